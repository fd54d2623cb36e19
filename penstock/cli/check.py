"""`penstock check`: what is wrong with patterns, before they run."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import pydantic_core
import typer

from penstock.checks import Fault, faults_of
from penstock.cli.errors import BadInput
from penstock.cli.printing import echo, say
from penstock.jobs.refusals import unknown_pattern
from penstock.pattern import Pattern
from penstock.patterns.loading import load, own, with_subs
from penstock.settings import Settings

_NAMES = typer.Argument(
    help="module:PATTERN, a folder of patterns (with a /), or the name of a pattern that is found. "
    "Not given: all that are not Penstock's.",
    metavar="PATTERN...",
    show_default=False,
)


def check(
    names: Annotated[list[str] | None, _NAMES] = None,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="One JSON object a line, as in a pipe.")] = False,
) -> None:
    """Say what is wrong with patterns, with file and line: exit status 1 if anything is.

    Prompts compile and render with samples of their inputs, steps are declared, functions fit their steps, the schemas
    of outputs are such as Gemini takes, the example is a request that can be sent, and all replays are alike, with
    outputs that are made up. In a pipe: one JSON object a line.
    """
    as_json = as_json or not sys.stdout.isatty()
    chosen = _chosen(names or [])
    if not chosen:
        raise BadInput("no patterns of your own are found here: name one, or see `penstock new --help`")
    found = [fault for pattern in chosen.values() for fault in faults_of(pattern)]
    for fault in found:
        echo(_as_json(fault) if as_json else str(fault))
    if found:
        say(f"{len(found)} fault{'s' * (len(found) > 1)} in {', '.join(dict.fromkeys(one.pattern for one in found))}")
        raise typer.Exit(1)
    say(f"nothing is wrong with {', '.join(chosen)}", colour=None)


def _chosen(names: list[str]) -> Mapping[str, Pattern[Any, Any]]:
    """Raises Misconfigured, in one sentence, for what cannot be loaded at all."""
    named = [name for name in names if ":" in name or "/" in name]
    patterns = load((*Settings().patterns, *named))
    if not names:
        return own(with_subs(patterns))
    chosen = own(with_subs(load(named)))
    for name in names:
        if name not in named:
            if name not in patterns:
                raise BadInput(unknown_pattern(name, patterns).detail)
            chosen[name] = patterns[name]
    return chosen


def _as_json(fault: Fault) -> str:
    return pydantic_core.to_json({name: value for name, value in asdict(fault).items() if value is not None}).decode()
