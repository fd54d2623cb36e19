"""Telling new events from repeated ones, and the one Python value that a job's events make, as it grows."""

import math
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from penstock.contracts import events
from penstock.document.placing import ABSENT, Placed
from penstock.document.writing import JsonPieces


@dataclass(slots=True)
class _Shown:
    """The newest attempt at a step that was seen, and the `n` that is expected of it."""

    a: int
    i: str
    n: int = 0
    #: An earlier attempt, of which this one does not know, may have left parts.
    mixed: bool = False
    ended: bool = False


class Reader:
    """Accepts each event of a job once and in order, whatever came twice, late or from a paused replica.

    For each step: the next `n` of the newest attempt, until the step has ended. The newest is the one that began
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

    def accept(self, event: events.Event) -> bool:
        if self.ended:
            return False
        news = self._accept_run(event) if isinstance(event, events.RunEvent) else self._accept_step(event)
        self.seq += news
        return news

    def shows(self, event: events.StepEnded) -> bool:
        """Whether what was accepted of a step is what the attempt behind its outcome wrote, and all of it."""
        if event.n is None or event.id in self._known:
            return True
        shown = self._steps.get(event.key) or _Shown(0, event.i)
        return (shown.i, shown.n, shown.mixed) == (event.i, event.n, False)

    def position(self, key: str) -> dict[str, Any] | None:
        """`k`, `a`, `i` and `n` of the next event of a step; None if nothing was seen of it."""
        shown = self._steps.get(key)
        return None if shown is None else {"k": key, "a": shown.a, "i": shown.i, "n": shown.n}

    def _accept_run(self, event: events.RunEvent) -> bool:
        if event.id in self._known:
            return False
        self._known.add(event.id)
        if isinstance(event, events.StepEnded):
            self._steps.setdefault(event.key, _Shown(0, "")).ended = True
        self.ended = isinstance(event, events.TERMINAL)
        return True

    def _accept_step(self, event: events.StepEvent) -> bool:
        shown = self._steps.get(event.k)
        name = event.k, event.a, event.i
        begins = event.n == 0 and name not in self._known
        if shown is None or event.a > shown.a or (event.a == shown.a and event.i != shown.i and begins):
            mixed = shown is not None and event.a == shown.a
            ended = shown is not None and shown.ended
            shown = self._steps[event.k] = _Shown(event.a, event.i, mixed=mixed, ended=ended)
            self._known.add(name)
        if shown.ended or (event.a, event.i, event.n) != (shown.a, shown.i, shown.n):
            return False
        shown.n += 1
        return True


class Document:
    """Apply the events a `Reader` accepted; `value` is the best that is known of the result at any time.

    A part that still grows is shown as if it were closed here: a string as far as it has come, an object without
    the member whose value has not begun. If a part begins at, below or around another one, the newer wins. See
    `Placed.assembled` for what is around the parts.

    Costs: an event, its own length; `value`, the text that has come since the last time, and the containers around all
    parts. The value is to be read, not changed: it grows on.
    """

    def __init__(self) -> None:
        self._parts = Placed()
        #: The complete result, once the job is completed.
        self.result: dict[str, Any] | None = None

    def apply(self, event: events.Event) -> None:
        match event:
            case events.Delta(p=p, t=t):
                if isinstance(part := self._parts.get(p), _Part):
                    part.unread.append(t)
            case events.PartStart(p=p, k=k):
                self._parts.put(p, _Part(k))
            case events.PartEnd(p=p):
                if isinstance(part := self._parts.get(p), _Part):
                    part.end()
            case events.PartValue(p=p, t=t):
                self.put(p, from_json(t))
            case events.PartReset(p=p, k=k):
                self._parts.remove(p, lambda part: part.writer == k)
            case events.PartRetract(p=p):
                self._parts.remove(p)
            case events.JobCompleted(result=result):
                self.result = result

    def put(self, p: str, value: Any) -> None:
        """A value that is known in full."""
        self._parts.put(p, _Part(None, value))

    @property
    def value(self) -> Any:
        """The result as far as it is known; `{}` if nothing is."""
        return self._parts.assembled(_Part.value) if self.result is None else self.result


@dataclass(slots=True)
class _Part:
    """The value of one place, while its JSON text grows and after."""

    writer: str | None
    _value: Any = ABSENT
    unread: list[str] = field(default_factory=list)
    _reader: JsonPieces | None = None

    def end(self) -> None:
        self.value()
        self._reader = None

    def value(self) -> Any:
        if self.unread:
            self._reader = self._reader or JsonPieces("", False, max_length=math.inf, complete_tokens=True)
            self._reader.feed("".join(self.unread))
            self.unread.clear()
            self._value = self._reader.value
        return self._value
