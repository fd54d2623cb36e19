"""`penstock prompts`: which prompts there are, how one reads when it is sent, and what differs from a revision."""

import difflib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pydantic_core
import typer
from pydantic import BaseModel, ValidationError
from rich.console import Console
from rich.table import Table

from penstock.cli import git
from penstock.cli.errors import BadInput
from penstock.cli.printing import echo, say
from penstock.cli.text import Text
from penstock.contracts.step import Step
from penstock.pattern import Pattern
from penstock.patterns.loading import called, load, with_subs
from penstock.settings import Settings
from penstock.steps.prompts import PromptFile, version_of
from penstock.validation import field_errors, summary

app = typer.Typer(help="Look at prompts and their versions.", no_args_is_help=True)
_COLUMNS = ("pattern", "step", "version", "complexity", "thinking")


def _prompts() -> Iterator[tuple[Pattern[Any, Any], Step[Any, Any], Path]]:
    """All steps that have a prompt, with its file."""
    for pattern in with_subs(load(Settings().patterns)).values():
        for step in pattern.steps:
            file = pattern.prompt_of(step)
            if file.exists():
                yield pattern, step, file


@app.command("list")
def listed() -> None:
    """List prompts. The version is what jobs show of their steps. In a pipe: one JSON object a line."""
    table = Table(*_COLUMNS, box=None, header_style="dim", pad_edge=False)
    for pattern, step, file in _prompts():
        version = version_of(file.read_text(encoding="utf-8"), step)
        row = (pattern.name, step.name, version, step.complexity, step.thinking)
        table.add_row(*map(Text, row))
        if not sys.stdout.isatty():
            echo(pydantic_core.to_json(dict(zip(_COLUMNS, row, strict=True))).decode())
    if sys.stdout.isatty():
        Console().print(table)


@app.command()
def render(
    name: Annotated[str, typer.Argument(help="The step: its name, or pattern/step.", metavar="STEP")],
    input: Annotated[typer.FileText | None, typer.Option(help="The step's input as JSON; - for stdin.")] = None,
) -> None:
    """Show a prompt as it is sent: the system text, a line of ---, and the user text."""
    found = {f"{pattern.name}/{step.name}": (pattern, step) for pattern, step, _ in _prompts()}
    named = called(found, name)
    if not named:
        raise BadInput(f"there is no prompt of a step {name!r}; penstock prompts list shows those there are")
    if len(named) > 1:
        raise BadInput(f"{name!r} is a step of several patterns: {', '.join(named)}")
    pattern, step = found[named[0]]
    if input is None:
        fields = ", ".join(field.alias or key for key, field in step.input.model_fields.items())
        raise BadInput(f"--input FILE is needed, a JSON object of {fields}")
    model: type[BaseModel] = step.input
    try:
        given = model.model_validate_json(input.read())
    except ValidationError as error:
        raise BadInput(f"--input: {summary(field_errors(error.errors()))}") from error
    prompt = PromptFile.of(pattern, step).render(given)
    echo(f"{prompt.system}\n---\n{prompt.turns[0].text}")


@app.command()
def diff(revision: Annotated[str, typer.Argument(help="A git revision, such as main.")]) -> None:
    """Show how the texts of prompts differ from those of a revision; exit status 1 if any does.

    Texts only: a version may differ as well because a schema or a setting does.
    """
    differs = False
    for file in sorted({file for _, _, file in _prompts()}):
        before = git.shown(revision, file)
        if before is None and not git.is_revision(revision, file):
            raise BadInput(f"{revision} is no revision of the repository that {file} is in")
        texts = (before or b"").decode().splitlines(), file.read_text(encoding="utf-8").splitlines()
        name = f"{file.parent.parent.name}/{file.name}"
        for line in difflib.unified_diff(*texts, f"{revision} {name}", name, lineterm=""):
            differs = True
            echo(line)
    if differs:
        raise typer.Exit(1)
    say(f"no prompt's text differs from {revision}")
