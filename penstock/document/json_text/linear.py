"""The job's events as one JSON text that only ever grows, in document order.

    events of many parts at once ──▶ LinearJSON ──▶ {"first":"…","second":[…   (and never a step back)

The part whose turn it is streams live, later ones wait. A part's turn comes when all before it have
ended or are closed; what never came is taken from the result at the job's end.
"""

from collections.abc import Iterator
from typing import Any, NoReturn

from penstock.contracts import events
from penstock.document import strings
from penstock.document.json_text.completion import rest_of
from penstock.document.json_text.place import Place
from penstock.document.json_text.shape import Shape
from penstock.document.pointer import is_at_or_below, parse
from penstock.errors import Diverged

#: Only these can make more text sendable.
_EXTENDING = events.Delta | events.PartEnd | events.PartValue | events.PartClose


class LinearJSON:
    """Feed it the events a `Reader` accepted; all it returns, joined, is the JSON text of the result.

    - Object members come in the order of `shape`, ones it does not know last; a shape without names
      (a dict) in the order of arrival; array elements by index.
    - An object is complete when each member of its shape has ended or is closed, an array when it is
      closed. The root is never complete before `job.completed`, which adds what is missing.
    - `part.close` on a member that has not begun leaves it out, on a required array it makes it `[]`.
    - What a `part.reset`, a `part.retract` or a second `part.start` voids is dropped if it still waits. Text that
      is already sent cannot be taken back.
    - A part at or below a place where there is one already, or around one, is ignored until the end.

    `feed` raises Diverged when sent text is voided, and at the end if the sent text does not begin the result; it
    is then of no further use. Holds the text of the result as far as it has come.
    """

    def __init__(self, shape: Shape) -> None:
        self._root = Place(None, shape)
        self._leaves: dict[str, Place] = {}  # where there is a part
        self._text = self._in_order()
        self._sent: list[str] = []
        self._result: dict[str, Any] | None = None

    @property
    def completed(self) -> bool:
        """Whether the text is complete. It never is of a job that fails or is cancelled."""
        return self._result is not None

    def feed(self, *accepted: events.Event) -> str:
        """The text that can be sent after these events: what one of them voids of the others is not in it."""
        for event in accepted:
            self._apply(event)
        text = ""
        if self._result is not None:
            text = rest_of("".join(self._sent), self._result)
        elif any(isinstance(event, _EXTENDING) for event in accepted):
            text = "".join(iter(self._text.__next__, None))
        self._sent.append(text)
        return text

    def _in_order(self) -> Iterator[str | None]:
        root = self._root
        # A root that is no object will not be the result.
        while not root.has_text() or not (root.waiting is None or "".join(root.waiting).startswith("{")):
            yield None
        yield from root.text()

    def _apply(self, event: events.Event) -> None:
        match event:
            case events.Delta(p=p, t=t):
                if (place := self._leaves.get(p)) is not None and place.waiting is not None:
                    place.waiting.append(t)
            case events.PartStart(p=p, k=k):
                self._start(p, k)
            case events.PartEnd(p=p):
                if (place := self._leaves.get(p)) is not None:
                    place.ended = True
            case events.PartValue(p=p, t=t):
                self._start(p, None, strings.escape(t))
            case events.PartClose(p=p):
                self._close(p)
            case events.PartReset(p=p, k=k):
                self._void(p, writer=k)
            case events.PartRetract(p=p):
                self._void(p, writer=None)
                if (place := self._enter(p)) is not None:
                    if place.started:
                        _diverge(p)
                    place.set_closed(False)
            case events.JobCompleted(result=result):
                self._result = result

    def _start(self, p: str, writer: str | None, *value: str) -> None:
        """A part begins; with a value it is complete. What is ignored here is taken from the result."""
        place = self._enter(p)
        if place is None or place.has_part_below() or (place.started and place.waiting is None):
            return
        if place.started:
            _diverge(p)
        place.writer, place.waiting, place.ended = writer, list(value), bool(value)
        self._leaves[p] = place

    def _close(self, p: str) -> None:
        place = self._enter(p)
        if place is None:
            return
        place.set_closed(True)
        if p:
            parent, shape = self._enter(p[: p.rindex("/")]), place.shape
            required = parent is not None and (parent.is_array or not parent.shape.is_optional(place.token or ""))
            place.empty_array = required and shape.kind == "array" and not shape.nullable and place.waiting is None

    def _void(self, p: str, writer: str | None) -> None:
        """What `writer` wrote at or below `p`; what anyone wrote, if that is None."""
        for at, place in list(self._leaves.items()):
            if writer in (None, place.writer) and is_at_or_below(at, p):
                if place.started:
                    _diverge(at)
                place.waiting = None
                del self._leaves[at]

    def _enter(self, p: str) -> Place | None:
        place: Place | None = self._root
        for token in parse(p):
            if place is None:
                break
            place = place.enter(token)
        return place


def _diverge(p: str) -> NoReturn:
    raise Diverged(f"what is already sent of {p or 'the root'} is void")
