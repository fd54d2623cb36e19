"""A pattern's replays: by outputs that are made up from their schemas it is run, and run again (penstock.testing)."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from penstock.checks.fault import Fault, place_of
from penstock.checks.samples import NoSample, samples
from penstock.contracts.step import Step
from penstock.errors import Misconfigured, PatternMistake
from penstock.mistakes import told
from penstock.pattern import Pattern
from penstock.patterns.loading import with_subs
from penstock.testing import PatternTest, PatternTestFailed
from penstock.testing.told import NotSaid

_AS_TEXT = "sample text"


class _NoOutput(Exception):
    """None that was made up is right."""


def faults(pattern: Pattern[Any, Any]) -> Iterator[Fault]:
    """Nothing where that cannot be tried: an output with rules that no schema has, a prompt that does not render."""
    try:
        parts = with_subs({pattern.name: pattern}).values()
        steps = {f"{one.name}/{step.name}": _giving(step) for one in parts for step in one.steps}
        signals = {name: samples(body)[0] for name, body in pattern.signals.items()}
        asyncio.run(PatternTest(pattern, steps, signals=signals).run())
    except NotSaid:  # a signal of a part, say
        return
    except (PatternTestFailed, PatternMistake) as error:
        yield Fault(pattern=pattern.name, where=place_of(pattern.run), sentence=str(error))
    except (_NoOutput, NoSample, Misconfigured):
        return
    except Exception as error:
        if all(step.do is None for one in parts for step in one.steps):  # else it may know more of what they give
            sentence = f"with outputs that fit their steps it raises {told(error, pattern.run)}"
            yield Fault(pattern=pattern.name, where=place_of(pattern.run), sentence=sentence)


def _giving(step: Step[Any, Any]) -> Callable[[Any], Any]:
    """A function that makes up outputs of the step, in turn of those that its check lets pass: equal ones hide much."""
    numbers = count(1)

    def give(given: Any) -> Any:
        number = next(numbers)
        outputs = [f"{_AS_TEXT} {number}"] if step.output is str else samples(step.output)
        fit = [output for output in outputs if not (step.check and step.check(given, output))]
        if not fit:
            raise _NoOutput
        return fit[(number - 1) % len(fit)]

    return give
