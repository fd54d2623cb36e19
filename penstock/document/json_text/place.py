"""The places of a result while it is written out in document order."""

from penstock.document.json_text.shape import Shape
from penstock.document.placing import is_index


class Part:
    """JSON text that a writer (a step's key; None for the run) puts at one place, as far as it waits to be sent."""

    __slots__ = ("ended", "waiting", "writer")

    def __init__(self, writer: str | None) -> None:
        self.writer = writer
        self.waiting: list[str] = []
        self.ended = False

    def take(self) -> str:
        text = "".join(self.waiting)
        self.waiting.clear()
        return text


class Place:
    """A place that has a part (a leaf), or other places below it."""

    __slots__ = ("_named", "below", "closed", "empty_array", "is_array", "part", "sent", "shape", "started", "token")

    def __init__(self, token: str, shape: Shape) -> None:
        self.token, self.shape = token, shape
        self.part: Part | None = None
        self.below: dict[str, Place] = {}  # in the order of arrival
        self.closed = False  # nothing more will come here
        self.empty_array = False  # it is shown as an array even if nothing comes
        self.is_array = shape.kind == "array"
        self.started = False  # its first character is sent
        self.sent = 0  # of those below, how many are started
        self._named = 0  # of the shape's names, those that are sent or skipped

    def has_text(self) -> bool:
        """Whether there is text at it or below it, sent or waiting."""
        if self.started or self.empty_array or (self.part is not None and self.part.waiting):
            return True
        return any(place.has_text() for place in self.below.values())

    def has_part_below(self) -> bool:
        return any(place.part is not None or place.has_part_below() for place in self.below.values())

    def enter(self, token: str) -> "Place | None":
        """The place below, made if need be; None if a leaf or an array has no such place."""
        place = self.below.get(token)
        if place is None:
            if self.shape.kind == "any" and not self.below and not self.started:
                self.is_array = is_index(token)
            if self.part is not None or (self.is_array and not is_index(token)):
                return None
            place = self.below[token] = Place(token, self.shape.at(token))
            place.closed = self.closed
        return place

    def close(self) -> None:
        self.closed = True
        for place in self.below.values():
            place.close()

    def reopen(self) -> None:
        """What was closed is not any more; what was skipped meanwhile stays skipped until the end."""
        self.closed = self.empty_array = False
        for place in self.below.values():
            place.reopen()

    def next(self) -> "Place | None":
        """The one below whose turn it is, if there is text of it; skips the ones that stay out."""
        if self.is_array:
            place = self.below.get(str(self.sent))
            return place if place is not None and place.has_text() else None
        names = self.shape.names
        while self._named < len(names):
            place = self.below.get(names[self._named])
            has_text = place is not None and place.has_text()
            if not has_text and not (self.closed if place is None else place.closed):
                return None
            self._named += 1
            if has_text:
                return place
        # Those that the shape does not know go last, in the order of arrival.
        others = (place for token, place in self.below.items() if token not in names and not place.started)
        return next((place for place in others if place.has_text()), None)

    def is_complete(self) -> bool:
        """Whether nothing more belongs into it, given that it has no `next`."""
        if self.is_array or not self.shape.names:
            return self.closed and self.sent == sum(place.has_text() for place in self.below.values())
        return self._named == len(self.shape.names)
