"""The job's events as one Python value that grows: all parts at once, whatever their order."""

from typing import Any

from pydantic_core import from_json

from penstock.contracts.events import Delta, Event, JobCompleted, PartEnd, PartReset, PartRetract, PartStart, PartValue
from penstock.document.placing import ABSENT, Placed


class Document:
    """Apply the events a `Reader` accepted; `value` is the best that is known of the result at any time.

    A part that still grows is shown as if it were closed here: a string as far as it has come, an object without
    the member whose value has not begun. If a part begins at, below or around another one, the newer wins. See
    `Placed.assembled` for what is around the parts.

    Costs: an event, its own length; `value`, the text of the parts that have grown since the last time, and the
    containers around all parts. The value is to be read, not changed.
    """

    def __init__(self) -> None:
        self._parts = Placed()
        #: The complete result, once the job is completed.
        self.result: dict[str, Any] | None = None

    def apply(self, event: Event) -> None:
        match event:
            case Delta(p=p, t=t):
                if isinstance(part := self._parts.get(p), _Part):
                    part.text.append(t)
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


class _Part:
    """The JSON text of one place while it grows, then its value."""

    __slots__ = ("_read", "_value", "text", "writer")

    def __init__(self, writer: str | None, value: Any = ABSENT) -> None:
        self.writer = writer
        self.text: list[str] = []
        self._value, self._read = value, 0  # the value of the first `_read` pieces

    def end(self) -> None:
        self.value()
        self.text.clear()
        self._read = 0

    def value(self) -> Any:
        if len(self.text) > self._read:
            self.text = ["".join(self.text)]
            self._value, self._read = from_json(self.text[0], allow_partial="trailing-strings"), 1
        return self._value
