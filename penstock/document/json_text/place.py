"""The places of a result while it is written out in document order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from penstock.document.json_text.completion import dump
from penstock.document.json_text.shape import Shape
from penstock.document.placing import is_index


@dataclass(slots=True, eq=False)
class Place:
    """A place that has a part (a leaf), or other places below it. `token`: None for the root."""

    token: str | None
    shape: Shape
    closed: bool = False  # nothing more will come here
    below: dict[str, Place] = field(default_factory=dict)  # in the order of arrival
    is_array: bool = False
    empty_array: bool = False  # it is shown as an array even if nothing comes
    started: bool = False  # its first character is sent
    #: The part: JSON text that waits to be sent. None: there is no part here.
    waiting: list[str] | None = None
    writer: str | None = None  # of the part: a step's key; None for the run
    ended: bool = False  # the part is complete

    def __post_init__(self) -> None:
        self.is_array = self.shape.kind == "array"

    def has_text(self) -> bool:
        """Whether there is text of it that was sent, or could be now: below it, what comes first in document order.

        So no container is begun for what may be void before its turn comes.
        """
        if self.started or self.empty_array or self.waiting:
            return True
        names = ("0",) if self.is_array else self.shape.names
        for name in names:
            place = self.below.get(name)
            if place is not None and place.has_text():
                return True
            if not (place or self).closed:
                return False
        return any(map(Place.has_text, self.below.values()))

    def has_part_below(self) -> bool:
        return any(place.waiting is not None or place.has_part_below() for place in self.below.values())

    def enter(self, token: str) -> Place | None:
        """The place below, made if need be; None if a leaf or an array has no such place."""
        place = self.below.get(token)
        if place is None:
            if self.shape.kind == "any" and not self.below and not self.started:
                self.is_array = is_index(token)
            if self.waiting is not None or (self.is_array and not is_index(token)):
                return None
            place = self.below[token] = Place(token, self.shape.at(token), self.closed)
        return place

    def set_closed(self, closed: bool) -> None:
        """A member that the text has already passed is not inserted when it is reopened; it is added at the end."""
        self.closed = closed
        self.empty_array = self.empty_array and closed
        for place in self.below.values():
            place.set_closed(closed)

    def text(self) -> Iterator[str | None]:
        """Its JSON text, piece by piece; None where more is to come. The root's never ends."""
        self.started = True
        if self.waiting is not None:
            while True:
                ended, text = self.ended, "".join(self.waiting or ())
                self.waiting = []
                yield text
                if ended:
                    return
                yield None
        yield "[" if self.is_array else "{"
        comma = ""
        for place in self._in_turn():
            if place is None:
                yield None
                continue
            yield comma if self.is_array else f"{comma}{dump(place.token)}:"
            yield from place.text()
            comma = ","
        yield "]" if self.is_array else "}"

    def _in_turn(self) -> Iterator[Place | None]:
        """Those below that have text, in document order; None where the next one is to come."""
        names = () if self.is_array else self.shape.names
        for name in names:
            while not ((place := self.below.get(name)) and place.has_text()):
                if (place or self).closed:
                    break
                yield None
            else:
                yield place
        while True:
            # Elements by index; the members that the shape does not know in the order of arrival.
            others = [place for token, place in self.below.items() if token not in names and place.has_text()]
            left = [place for place in others if not place.started]
            index = len(others) - len(left)
            place = self.below.get(str(index)) if self.is_array else next(iter(left), None)
            if place in left:
                yield place
            elif not left and self.token is not None and (self.closed or names):
                return
            else:
                yield None
