"""Patterns of the current folder: what is found, and what is not imported."""

from pathlib import Path

import pytest

from penstock.errors import Misconfigured
from penstock.local import project
from penstock.patterns.loading import load
from tests.system.cli.system import penstock

#: The whole of a pattern without a prompt.
PATTERN = """
from penstock import Pattern, PatternRequest, Run, Wire


class Result(Wire):
    said: str


async def run(run: Run, request: PatternRequest) -> Result:
    return Result(said="hello")


{attribute}Pattern(
    name="{name}", summary="-", run=run, request=PatternRequest, result=Result, steps=(), example=PatternRequest()
){end}
"""


def module(file: Path, name: str, *, several: bool = False, first: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    attribute, end = ("PATTERNS = [", "]") if several else ("PATTERN = ", "")
    file.write_text(first + PATTERN.format(name=name, attribute=attribute, end=end))
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    return tmp_path


def found(folder: Path, **environment: str) -> set[str]:
    """The patterns that a command in the folder knows beside Penstock's."""
    shown = penstock("run", "no-such-pattern", cwd=folder, **environment).stderr
    return set(shown.partition("there are ")[2].replace(".", ",").replace(" ", "").split(",")) & {"one", "two", "three"}


def test_modules_and_packages_of_the_folder_patterns_are_found(folder: Path) -> None:
    """Beside what PENSTOCK_PATTERNS names."""
    module(folder / "patterns/first.py", "one", first="from patterns import shared\n")
    module(folder / "patterns/second/__init__.py", "two", several=True)
    (folder / "patterns/shared.py").write_text("")
    module(folder / "patterns/_draft.py", "three")
    assert found(folder) == {"one", "two"}
    third = module(folder / "elsewhere/third.py", "three")
    assert found(folder, PENSTOCK_PATTERNS=f"{third.parent}/") == {"one", "two", "three"}


@pytest.mark.parametrize(("named", "are"), [('["flows/"]', {"two"}), ("[]", set())])
def test_pyproject_says_where_they_are(folder: Path, named: str, are: set[str]) -> None:
    module(folder / "patterns/first.py", "one")
    module(folder / "flows/second.py", "two")
    (folder / "pyproject.toml").write_text(f"[tool.penstock]\npatterns = {named}\n")
    assert found(folder) == are


def test_what_lies_beside_the_folder_is_not_imported(folder: Path) -> None:
    """A `logging.py` of the project is not taken for the standard library's, nor any other file for a package."""
    module(folder / "patterns/first.py", "one", first="import logging, beside\n")
    for name in ("logging", "beside", "yaml"):
        (folder / f"{name}.py").write_text("raise SystemExit('imported')\n")
    shown = penstock("run", "one", cwd=folder).stderr
    assert shown == "penstock: patterns/first.py:1: ModuleNotFoundError: No module named 'beside'\n"


def test_a_file_that_is_broken_is_named_with_its_line(folder: Path) -> None:
    module(folder / "patterns/first.py", "one", first="x = 1\ny =\n")
    assert penstock("run", "one", cwd=folder).stderr == "penstock: patterns/first.py:2: SyntaxError: invalid syntax\n"


def test_a_folder_that_others_can_write_into_is_not_taken(folder: Path) -> None:
    """As /tmp: whoever runs a command there does not run what somebody has left there."""
    module(folder / "patterns/first.py", "one")
    folder.chmod(0o777)
    assert found(folder) == set()
    said = penstock("dead", "--help", cwd=folder)
    assert said.returncode == 0
    refused = penstock("run", "one", cwd=folder)
    assert "others than you can write there. If they are yours, set PENSTOCK_PATTERNS=" in refused.stderr
    assert found(folder, PENSTOCK_PATTERNS=f"{folder}/patterns") == {"one"}


@pytest.mark.parametrize(
    ("text", "why"),
    [("[tool", "cannot be read"), ("[tool.penstock]\npatterns = 1", "a list of texts"), ("tool = 1", "cannot be read")],
)
def test_a_pyproject_that_cannot_be_is_named(folder: Path, text: str, why: str) -> None:
    (folder / "pyproject.toml").write_text(text)
    with pytest.raises(Misconfigured, match=why):
        project.found(folder)


@pytest.mark.parametrize("name", ["json", "with-a-dash", "tests"])
def test_a_folder_cannot_hide_a_package(folder: Path, name: str) -> None:
    module(folder / name / "first.py", "one")
    with pytest.raises(Misconfigured, match="a package cannot be called"):
        load([f"{folder}/{name}"])
    with pytest.raises(Misconfigured, match="there is no folder"):
        load([f"{folder}/nowhere"])
