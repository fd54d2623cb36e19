"""The job's events as one JSON text that only ever grows, in document order.

    events of many parts at once ──▶ LinearJSON ──▶ {"first":"…","second":[…   (and never a step back)

The part whose turn it is streams live, later ones wait. A part's turn comes when all before it have
ended or are closed; what never came is taken from the result at the job's end.
"""

from typing import Any, NoReturn

from penstock.contracts.events import (
    Delta,
    Event,
    JobCompleted,
    PartClose,
    PartEnd,
    PartReset,
    PartRetract,
    PartStart,
    PartValue,
)
from penstock.document import strings
from penstock.document.json_text.completion import dump, rest_of
from penstock.document.json_text.place import Part, Place
from penstock.document.json_text.shape import Shape
from penstock.document.pointer import is_at_or_below, parse
from penstock.errors import Diverged


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
        self._root = Place("", shape)
        self._leaves: dict[str, Place] = {}  # where there is a part
        self._cursor: list[Place] = []  # the places that are started and not complete, from the root on
        self._sent: list[str] = []
        self._changed = False  # more can be sent, perhaps
        self._result: dict[str, Any] | None = None

    @property
    def completed(self) -> bool:
        """Whether the text is complete. It never is of a job that fails or is cancelled."""
        return self._result is not None

    def feed(self, *events: Event) -> str:
        """The text that can be sent after these events: what one of them voids of the others is not in it."""
        for event in events:
            self._apply(event)
        if self._result is not None:
            text = rest_of("".join(self._sent), self._result)
        elif self._changed:
            self._changed = False
            text = self._advance()
        else:
            return ""
        self._sent.append(text)
        return text

    def _apply(self, event: Event) -> None:
        match event:
            case Delta(p=p, t=t):
                if (part := self._part(p)) is not None:
                    part.waiting.append(t)
                    self._changed = self._changed or len(part.waiting) == 1
            case PartStart(p=p, k=k):
                self._start(p, k)
            case PartEnd(p=p):
                if (part := self._part(p)) is not None:
                    part.ended = self._changed = True
            case PartValue(p=p, t=t):
                if (part := self._start(p, None)) is not None:
                    part.waiting, part.ended = [strings.escape(t)], True
                    self._changed = True
            case PartClose(p=p):
                self._close(p)
            case PartReset(p=p, k=k):
                self._void(p, writer=k)
            case PartRetract(p=p):
                self._retract(p)
            case JobCompleted(result=result):
                self._result = result

    def _part(self, p: str) -> Part | None:
        place = self._leaves.get(p)
        return None if place is None else place.part

    def _start(self, p: str, writer: str | None) -> Part | None:
        place = self._enter(p)
        if place is None or place.has_part_below() or (place.started and place.part is None):
            return None  # what is ignored here is taken from the result
        if place.started:
            _diverge(p)
        part = place.part = Part(writer)
        self._leaves[p] = place
        return part

    def _close(self, p: str) -> None:
        place = self._enter(p)
        if place is None:
            return
        place.close()
        self._changed = True
        if p:
            parent = self._enter(p[: p.rindex("/")])
            required = parent is not None and (parent.is_array or not parent.shape.is_optional(place.token))
            shape = place.shape
            place.empty_array = required and shape.kind == "array" and not shape.nullable and place.part is None

    def _retract(self, p: str) -> None:
        self._void(p, writer=None)
        place = self._enter(p)
        if place is not None:
            if place.started:
                _diverge(p)
            place.reopen()

    def _void(self, p: str, writer: str | None) -> None:
        """What `writer` wrote at or below `p`; what anyone wrote, if that is None."""
        for at, place in list(self._leaves.items()):
            if place.part is not None and writer in (None, place.part.writer) and is_at_or_below(at, p):
                if place.started:
                    _diverge(at)
                place.part = None
                del self._leaves[at]

    def _enter(self, p: str) -> Place | None:
        place: Place | None = self._root
        for token in parse(p):
            if place is None:
                break
            place = place.enter(token)
        return place

    def _advance(self) -> str:
        """Moves the cursor as far as it goes."""
        text: list[str] = []
        root = self._root
        # A root that is no object will not be the result.
        if not root.started and root.has_text() and (root.part is None or root.part.waiting[0].startswith("{")):
            text.append(self._open(root))
        while self._cursor:
            place = self._cursor[-1]
            if place.part is not None:
                text.append(place.part.take())
                if not place.part.ended:
                    break
            elif (below := place.next()) is not None:
                comma = "," if place.sent else ""
                text.append(comma if place.is_array else f"{comma}{dump(below.token)}:")
                place.sent += 1
                text.append(self._open(below))
                continue
            elif place is root or not place.is_complete():
                break
            else:
                text.append("]" if place.is_array else "}")
            self._cursor.pop()
        return "".join(text)

    def _open(self, place: Place) -> str:
        place.started = True
        self._cursor.append(place)
        if place.part is not None:
            return ""
        return "[" if place.is_array else "{"


def _diverge(p: str) -> NoReturn:
    raise Diverged(f"what is already sent of {p or 'the root'} is void")
