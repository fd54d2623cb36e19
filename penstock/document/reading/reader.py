"""Tells news from repeats in a job's events."""

from penstock.contracts.events import TERMINAL, Event, RunEvent


class Reader:
    """Accepts each event of a job once and in order, whatever came twice, late or from a paused replica.

    For each step: the next `n` of the newest attempt seen; once a newer attempt has been seen, even
    out of order, nothing of the older ones. For events of the run: an `id` once. After a terminal
    event: nothing.

    A new attempt alone forgets nothing: the parts of the old one stand, as they are, until the
    `part.reset` that the new attempt sends after its `step.started`.

    Memory: two numbers a step and the ids of the run's events; no text.
    """

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._steps: dict[str, tuple[int, int]] = {}  # key -> newest attempt seen, its next n
        #: How many events were accepted so far: the dense number of the last one.
        self.seq = 0
        #: Whether the job's end has been accepted.
        self.ended = False

    def accept(self, event: Event) -> bool:
        if self.ended:
            return False
        if isinstance(event, RunEvent):
            if event.id in self._ids:
                return False
            self._ids.add(event.id)
            self.ended = isinstance(event, TERMINAL)
        else:
            attempt, n = self._steps.get(event.k, (event.a, 0))
            if event.a > attempt:
                attempt, n = event.a, 0
                self._steps[event.k] = attempt, n
            if event.a != attempt or event.n != n:
                return False
            self._steps[event.k] = attempt, n + 1
        self.seq += 1
        return True
