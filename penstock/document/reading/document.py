"""The job's events as one Python value that grows: all parts at once, whatever their order."""

import math
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from penstock.contracts.events import Delta, Event, JobCompleted, PartEnd, PartReset, PartRetract, PartStart, PartValue
from penstock.document.placing import ABSENT, Placed
from penstock.document.writing import JsonPieces


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

    def apply(self, event: Event) -> None:
        match event:
            case Delta(p=p, t=t):
                if isinstance(part := self._parts.get(p), _Part):
                    part.unread.append(t)
            case PartStart(p=p, k=k):
                self._parts.put(p, _Part(k))
            case PartEnd(p=p):
                if isinstance(part := self._parts.get(p), _Part):
                    part.end()
            case PartValue(p=p, t=t):
                self.put(p, from_json(t))
            case PartReset(p=p, k=k):
                self._parts.remove(p, lambda part: part.writer == k)
            case PartRetract(p=p):
                self._parts.remove(p)
            case JobCompleted(result=result):
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
