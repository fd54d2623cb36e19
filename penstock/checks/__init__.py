"""What can be wrong with a pattern and be known before it runs. `penstock check` says all of it."""

from collections.abc import Callable, Iterator
from typing import Any

from penstock.checks import executors, names, prompts, purity, replays, requests, schemas
from penstock.checks.fault import Fault
from penstock.pattern import Pattern

__all__ = ["CHECKS", "Fault", "faults_of"]

#: What is looked at, in this order. A check yields what it finds, and raises nothing.
CHECKS: tuple[Callable[[Pattern[Any, Any]], Iterator[Fault]], ...] = (
    names.faults,
    requests.faults,
    prompts.faults,
    schemas.faults,
    executors.faults,
    purity.faults,
)


def faults_of(pattern: Pattern[Any, Any]) -> list[Fault]:
    """All that the checks find; where that is nothing, what shows when it is run."""
    return [fault for check in CHECKS for fault in check(pattern)] or [*replays.faults(pattern)]
