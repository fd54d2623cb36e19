"""Names that a pattern and its steps may have, and steps that it runs without declaring them."""

import ast
import inspect
import sys
from collections.abc import Iterator
from typing import Any

from penstock.checks.fault import Fault, calls, place_of_pattern
from penstock.contracts.step import Step
from penstock.contracts.wire import is_token
from penstock.errors import Misconfigured
from penstock.mistakes import shown
from penstock.pattern import Pattern
from penstock.patterns.loading import steps_by_service

#: Methods of a run that are given a step or a pattern.
_RUNNING = ("step", "map", "sub")


def faults(pattern: Pattern[Any, Any]) -> Iterator[Fault]:
    if not is_token(pattern.name):
        sentence = f"a pattern's name is 1 to 64 of A-Z a-z 0-9 _ -, not {pattern.name!r}"
        yield Fault(pattern=pattern.name, where=place_of_pattern(pattern), sentence=sentence)
    try:
        steps_by_service({pattern.name: pattern})
    except Misconfigured as error:
        yield Fault(pattern=pattern.name, where=place_of_pattern(pattern), sentence=str(error))
    yield from _undeclared(pattern)


def _undeclared(pattern: Pattern[Any, Any]) -> Iterator[Fault]:
    """Steps and patterns that the file of its function gives to the run, and that no pattern of the file declares."""
    known = vars(sys.modules[pattern.run.__module__])
    declaring = [one for one in (pattern, *known.values()) if isinstance(one, Pattern)]
    declared = [one for pattern in declaring for one in (*pattern.steps, *pattern.subs)]
    file = inspect.getsourcefile(pattern.run) or ""
    for call in calls(file):
        named = call.args[0] if call.args else None
        if isinstance(call.func, ast.Attribute) and call.func.attr in _RUNNING and isinstance(named, ast.Name):
            run = known.get(named.id)
            if isinstance(run, Step | Pattern) and run not in declared:
                member = "steps" if isinstance(run, Step) else "subs"
                sentence = f"{named.id} is run, and not in Pattern({member}=…): nobody would do it"
                yield Fault(pattern=pattern.name, step=run.name, where=shown((file, call.lineno)), sentence=sentence)
