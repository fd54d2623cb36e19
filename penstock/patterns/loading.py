"""Patterns by name: the six of the table and those a deployment adds through its settings."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pkgutil import resolve_name
from typing import Any

from penstock.contracts.journal import RESERVED_KEYS
from penstock.contracts.step import Step
from penstock.contracts.wire import is_token
from penstock.errors import Misconfigured
from penstock.pattern import Pattern
from penstock.patterns import PATTERNS, AnyPattern


def load(extra: Iterable[str] = ()) -> dict[str, AnyPattern]:
    """All patterns by name. `extra` names more as `module:ATTRIBUTE`.

    Raises Misconfigured for a name that cannot be imported, is no Pattern, or clashes with another.
    """
    patterns: dict[str, AnyPattern] = {}
    for pattern in (*PATTERNS, *map(_imported, extra)):
        if pattern.name in patterns:
            raise Misconfigured(f"two patterns are called {pattern.name!r}")
        patterns[pattern.name] = pattern
    steps_by_service(patterns)
    return patterns


def with_subs(patterns: Mapping[str, AnyPattern]) -> dict[str, AnyPattern]:
    """These and all that are parts of them, by name: those that have steps. Raises Misconfigured as `load`."""
    found: dict[str, AnyPattern] = {}
    waiting = [*patterns.values()]
    for pattern in waiting:
        if found.setdefault(pattern.name, pattern) != pattern:
            raise Misconfigured(f"two patterns are called {pattern.name!r}")
        if not is_token(pattern.name):
            raise Misconfigured(f"pattern name {pattern.name!r} is not a token of A-Z a-z 0-9 _ -")
        waiting += pattern.subs
    return found


def steps_by_service(patterns: Mapping[str, AnyPattern]) -> dict[str, dict[str, tuple[AnyPattern, Step[Any, Any]]]]:
    """service -> `pattern/step` -> (the pattern, the step), of subs, too. Raises Misconfigured for impossible names."""
    table: dict[str, dict[str, tuple[AnyPattern, Step[Any, Any]]]] = {}
    for pattern in with_subs(patterns).values():
        for name, many in Counter(step.name for step in pattern.steps).items():
            if many > 1:
                raise Misconfigured(f"pattern {pattern.name} has {many} steps called {name!r}")
        for step in pattern.steps:
            if step.name in RESERVED_KEYS or not is_token(step.name):
                raise Misconfigured(f"step name {step.name!r} of pattern {pattern.name} is reserved or no token")
            if not is_token(step.service):
                raise Misconfigured(f"service {step.service!r} of step {pattern.name}/{step.name} is no token")
            table.setdefault(step.service, {})[f"{pattern.name}/{step.name}"] = pattern, step
    return table


def _imported(name: str) -> AnyPattern:
    if ":" not in name:
        raise Misconfigured(f"PENSTOCK_PATTERNS names {name!r}: module:ATTRIBUTE is expected")
    try:
        pattern = resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        why = str(error)
        if isinstance(error, ModuleNotFoundError) and f"{name.partition(':')[0]}.".startswith(f"{error.name}."):
            why = f"no module {error.name!r} on the path; for the current folder set PYTHONPATH=."
        raise Misconfigured(f"PENSTOCK_PATTERNS names {name!r}: {why}") from error
    if not isinstance(pattern, Pattern):
        raise Misconfigured(f"PENSTOCK_PATTERNS names {name!r}, which is a {type(pattern).__name__}, not a Pattern")
    return pattern
