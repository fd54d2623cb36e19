"""The job's events as one JSON text that only ever grows, in document order.

    events of many parts at once ──▶ LinearJSON ──▶ {"first":"…","second":[…   (and never a step back)

The part whose turn it is streams live, later ones wait. A part's turn comes when all before it have
ended or are closed; what never came is taken from the result at the job's end.
"""

from typing import Any

from penstock.contracts.events import (
    Delta,
    Event,
    JobCancelled,
    JobCompleted,
    JobFailed,
    PartClose,
    PartEnd,
    PartReset,
    PartRetract,
    PartStart,
    PartValue,
)
from penstock.document.json_text.completion import dump, member
from penstock.document.json_text.part import Part
from penstock.document.json_text.place import Place
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
    - `part.reset` drops what its step wrote, `part.retract` what anyone did and closed, as far as it
      waits. What is out has to be repeated, character for character, in any order of parts, before it goes on.
    - A part at or below a place where there is one already, or around one, is ignored until the end.

    Raises Diverged, from `feed`, if what is out cannot become the result any more. Holds the text of the
    parts that are not wholly out, and 32 bytes for each one that is.
    """

    def __init__(self, shape: Shape) -> None:
        self._root = Place("", "", shape)
        self._parts: dict[str, Place] = {}  # where there is a part in its current attempt
        self._cursor: list[Place] = []  # the open places, from the root to the one that is growing
        #: The job has ended without a result: the text stays unfinished.
        self.failed = False
        #: The text is whole.
        self.completed = False

    def feed(self, event: Event) -> str:
        """The text that can go out now."""
        if isinstance(event, Delta):
            return self._add(event.p, event.t)
        if self.failed or self.completed:
            return ""
        match event:
            case PartStart(p=p, k=k):
                self._start(p, k)
            case PartEnd(p=p):
                return self._end(p)
            case PartValue(p=p, t=t):
                return self._replace(p, t)
            case PartClose(p=p):
                return self._close(p)
            case PartReset(p=p, k=k):
                self._forget(p, writer=k)
            case PartRetract(p=p):
                self._forget(p, writer=None)
                if (place := self._enter(p)) is not None:
                    place.reopen()
            case JobCompleted(result=result):
                return self._complete(result)
            case JobFailed() | JobCancelled():
                self.failed = True
        return ""

    def _add(self, p: str, t: str) -> str:
        place = self._parts.get(p)
        if place is None or place.part is None or self.failed or self.completed:
            return ""
        part = place.part
        begun = part.begun
        part.add(t)
        if self._cursor and self._cursor[-1] is place:
            return part.take()
        return "" if begun else self._advance()

    def _start(self, p: str, writer: str | None) -> Part | None:
        place = self._enter(p)
        if place is None or place.has_leaves_below() or (place.opened and not place.is_leaf):
            return None  # what is ignored here is taken from the result
        if place.part is None:
            place.part = Part(p)
        place.part.start(writer)
        self._parts[p] = place
        return place.part

    def _end(self, p: str) -> str:
        place = self._parts.get(p)
        if place is None or place.part is None:
            return ""
        place.part.end()
        return self._advance()

    def _replace(self, p: str, t: str) -> str:
        part = self._start(p, None)
        if part is None:
            return ""
        part.replace(t)
        return self._advance()

    def _close(self, p: str) -> str:
        place = self._enter(p)
        if place is None:
            return ""
        place.close()
        if p:
            parent = self._enter(p[: p.rindex("/")])
            required = parent is not None and (parent.is_array or not parent.shape.is_optional(place.token))
            place.sure = required and place.shape.kind == "array" and not place.shape.nullable and not place.is_leaf
        return self._advance()

    def _forget(self, p: str, writer: str | None) -> None:
        """What `writer` wrote at or below `p`; what anyone wrote, if that is None."""
        for at, place in list(self._parts.items()):
            if place.part is not None and writer in (None, place.part.writer) and is_at_or_below(at, p):
                place.part.forget()
                del self._parts[at]

    def _complete(self, result: dict[str, Any]) -> str:
        text = _finish(self._root, result)
        self.completed = True
        self._parts.clear()
        return text

    def _enter(self, p: str) -> Place | None:
        place: Place | None = self._root
        for token in parse(p):
            if place is None:
                break
            place = place.enter(token)
        return place

    def _advance(self) -> str:
        """Moves the cursor as far as it goes."""
        out: list[str] = []
        root = self._root
        if not root.opened and root.is_begun() and (not root.is_leaf or (root.part and root.part.opens_with("{"))):
            out.append(self._open(root))
        while self._cursor:
            place = self._cursor[-1]
            if place.is_leaf and place.part is not None:
                out.append(place.part.take())
                if not place.part.is_out:
                    break
            else:
                below = place.next()
                if below is not None:
                    out.append(_name(place, below))
                    place.out.append(below)
                    out.append(self._open(below))
                    continue
                if place is root or not place.is_complete():
                    break
                out.append("]" if place.is_array else "}")
            place.done = True
            self._cursor.pop()
        return "".join(out)

    def _open(self, place: Place) -> str:
        place.opened = True
        self._cursor.append(place)
        if place.is_leaf:
            return ""
        return "[" if place.is_array else "{"


def _name(place: Place, below: Place) -> str:
    """What stands before the text of `below`."""
    comma = "," if place.out else ""
    return comma if place.is_array else f"{comma}{dump(below.token)}:"


def _finish(place: Place, value: Any) -> str:
    """What is missing for the place to become `value`."""
    if not place.opened:
        return dump(value)
    if place.is_leaf and place.part is not None:
        return place.part.complete(value)
    if not isinstance(value, list if place.is_array else dict):
        raise Diverged(f"{place.p or 'the root'} is out as {'an array' if place.is_array else 'an object'}")
    missing = {str(index): element for index, element in enumerate(value)} if place.is_array else dict(value)
    out: list[str] = []
    for below in place.out:
        if below.token not in missing:
            raise Diverged(f"{below.p} is out and not in the result")
        out.append(_finish(below, missing.pop(below.token)))
    if place.done:
        if missing:
            raise Diverged(f"{place.p} is out without {next(iter(missing))!r}")
        return "".join(out)
    for count, (token, inner) in enumerate(missing.items(), start=len(place.out)):
        comma = "," if count else ""
        out.append(comma + (dump(inner) if place.is_array else member(token, inner)))
    return "".join(out) + ("]" if place.is_array else "}")
