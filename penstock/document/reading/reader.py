"""Tells news from repeats in a job's events."""

from dataclasses import dataclass
from typing import Any

from penstock.contracts.events import TERMINAL, Event, RunEvent, StepEvent, StepSettled


@dataclass(slots=True)
class _Shown:
    """The newest attempt at a step that was seen, and the `n` that is expected of it."""

    a: int
    i: str
    n: int = 0
    #: An earlier attempt, of which this one does not know, may have left parts.
    mixed: bool = False
    settled: bool = False


class Reader:
    """Accepts each event of a job once and in order, whatever came twice, late or from a paused replica.

    For each step: the next `n` of the newest attempt, until the step is settled. The newest is the one that began
    last of those with the highest `a`; once a higher `a` has been seen, even out of order, nothing of lower ones. For
    events of the run: an `id` once. After a terminal event: nothing.

    A new attempt alone forgets nothing: the parts of the old one stand, as they are, until the
    `part.reset` that the new attempt sends after its `step.started`.

    Memory: one record a step, and the names of the run's events and of attempts; no text.
    """

    def __init__(self) -> None:
        self._known: set[str | tuple[str, int, str]] = set()
        self._steps: dict[str, _Shown] = {}
        #: How many events were accepted so far: the dense number of the last one.
        self.seq = 0
        #: Whether the job's end has been accepted.
        self.ended = False

    def accept(self, event: Event) -> bool:
        if self.ended:
            return False
        news = self._accept_run(event) if isinstance(event, RunEvent) else self._accept_step(event)
        self.seq += news
        return news

    def shows(self, event: StepSettled) -> bool:
        """Whether what was accepted of a step is what the attempt behind its outcome wrote, and all of it."""
        if event.n is None or event.id in self._known:
            return True
        shown = self._steps.get(event.key) or _Shown(0, event.i)
        return (shown.i, shown.n, shown.mixed) == (event.i, event.n, False)

    def position(self, key: str) -> dict[str, Any] | None:
        """`k`, `a`, `i` and `n` of the next event of a step; None if nothing was seen of it."""
        shown = self._steps.get(key)
        return None if shown is None else {"k": key, "a": shown.a, "i": shown.i, "n": shown.n}

    def _accept_run(self, event: RunEvent) -> bool:
        if event.id in self._known:
            return False
        self._known.add(event.id)
        if isinstance(event, StepSettled):
            self._steps.setdefault(event.key, _Shown(0, "")).settled = True
        self.ended = isinstance(event, TERMINAL)
        return True

    def _accept_step(self, event: StepEvent) -> bool:
        shown = self._steps.get(event.k)
        name = event.k, event.a, event.i
        begins = event.n == 0 and name not in self._known
        if shown is None or event.a > shown.a or (event.a == shown.a and event.i != shown.i and begins):
            mixed = shown is not None and event.a == shown.a
            settled = shown is not None and shown.settled
            shown = self._steps[event.k] = _Shown(event.a, event.i, mixed=mixed, settled=settled)
            self._known.add(name)
        if shown.settled or (event.a, event.i, event.n) != (shown.a, shown.i, shown.n):
            return False
        shown.n += 1
        return True
