"""The places of a result while it is written out in document order."""

import re
from collections.abc import Iterator

from penstock.document.json_text.part import Part
from penstock.document.json_text.shape import Shape
from penstock.document.pointer import join

_INDEX = re.compile(r"0|[1-9][0-9]*")


class Place:
    """A place that parts are written at (a leaf) or below (a container)."""

    __slots__ = (
        "_named",
        "below",
        "closed",
        "done",
        "is_array",
        "opened",
        "out",
        "p",
        "part",
        "shape",
        "sure",
        "token",
    )

    def __init__(self, p: str, token: str, shape: Shape) -> None:
        self.p, self.token, self.shape = p, token, shape
        self.part: Part | None = None
        self.below: dict[str, Place] = {}  # in the order of arrival
        self.closed = False  # nothing more will come here
        self.sure = False  # it is an array that will be there even if it is empty
        self.is_array = shape.kind == "array"
        self.opened = False  # its first character is out
        self.done = False  # its last character is out
        self.out: list[Place] = []  # of those below, the ones whose name or first character is out
        self._named = 0  # of the shape's names, those that are out or skipped

    @property
    def is_leaf(self) -> bool:
        return self.part is not None and (self.part.started or self.part.begun)

    def is_begun(self) -> bool:
        """Whether there is text at it or below it."""
        if self.opened or self.sure or (self.part is not None and self.part.begun):
            return True
        return any(place.is_begun() for place in self.below.values())

    def has_leaves_below(self) -> bool:
        return any(place.is_leaf or place.has_leaves_below() for place in self.below.values())

    def enter(self, token: str) -> "Place | None":
        """The place below, made if need be; None if a leaf or an array has no such place."""
        place = self.below.get(token)
        if place is None:
            if self.shape.kind == "any" and not self.below and not self.opened:
                self.is_array = _INDEX.fullmatch(token) is not None
            if self.is_leaf or (self.is_array and not _INDEX.fullmatch(token)):
                return None
            place = self.below[token] = Place(join(self.p, token), token, self.shape.at(token))
            place.closed = self.closed
        return place

    def close(self) -> None:
        self.closed = True
        for place in self.below.values():
            place.close()

    def reopen(self) -> None:
        """What was closed is not any more; what was skipped meanwhile stays skipped until the end."""
        self.closed = self.sure = False
        for place in self.below.values():
            place.reopen()

    def next(self) -> "Place | None":
        """The one below whose turn it is, if there is text of it; skips the ones that stay out."""
        if self.is_array:
            place = self.below.get(str(len(self.out)))
            return place if place is not None and place.is_begun() else None
        names = self.shape.names
        while self._named < len(names):
            place = self.below.get(names[self._named])
            begun = place is not None and place.is_begun()
            if not begun and not (self.closed if place is None else place.closed):
                return None
            self._named += 1
            if begun:
                return place
        # Those that the shape does not know go last, in the order of arrival.
        return next(self._unnamed(), None)

    def is_complete(self) -> bool:
        """Whether nothing more belongs into it, given that it has no `next`."""
        if self.is_array or not self.shape.names:
            return self.closed and len(self.out) == sum(place.is_begun() for place in self.below.values())
        return self._named == len(self.shape.names)

    def _unnamed(self) -> Iterator["Place"]:
        names = self.shape.names
        return (
            place for token, place in self.below.items() if token not in names and not place.opened and place.is_begun()
        )
