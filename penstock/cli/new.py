"""`penstock new`: a folder with a pattern, its prompt and its test, that runs as it is."""

import keyword
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

from penstock.cli.errors import BadInput
from penstock.cli.printing import echo
from penstock.patterns.loading import load

#: What the template calls its pattern, its module and the beginning of its classes.
_PATTERN, _MODULE, _CLASS = "example-pattern", "example_pattern", "ExamplePattern"
_VALID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def new(
    name: Annotated[str, typer.Argument(help="Of the pattern: a-z, 0-9 and single - between them.", metavar="NAME")],
    dir: Annotated[Path | None, typer.Option(help="The folder to make. Default: NAME.", show_default=False)] = None,
) -> None:
    """Make a folder with a pattern of your own: two steps, a prompt, a test, a README.

    It runs at once: `penstock up` in that folder finds it. Nothing that is there is overwritten.
    """
    module = name.replace("-", "_")
    if not _VALID.fullmatch(name) or len(name) > 64:
        raise BadInput(f"NAME: {name!r} has to be a-z, 0-9 and single - between them, such as answer-mail")
    if keyword.iskeyword(module):
        raise BadInput(f"NAME: {name} is a word of Python's, and cannot be the name of a module; take another one")
    if name in load():
        raise BadInput(f"NAME: {name} is a pattern of Penstock's; take another one")
    folder = dir or Path(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"--dir: {folder} is there already, and stays as it is")
    names = {_PATTERN: name, _MODULE: module, _CLASS: module.title().replace("_", "")}
    _copy(files("penstock.cli") / "template", folder, names)
    (folder / ".gitignore").write_text("data/\n__pycache__/\n.venv/\n")  # data/ has tokens and jobs
    echo(f"{folder} is made. Next: cd {folder} && penstock up")


def _copy(template: Traversable, folder: Path, names: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for entry in template.iterdir():
        target = folder / _named(entry.name, names)
        if entry.is_dir():
            if entry.name != "__pycache__":
                _copy(entry, target, names)
        else:
            target.write_text(_named(entry.read_text(encoding="utf-8"), names), encoding="utf-8")


def _named(text: str, names: dict[str, str]) -> str:
    for template, name in names.items():
        text = text.replace(template, name)
    return text
