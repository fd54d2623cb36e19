"""The writer's side: what a model writes, character by character, becomes parts of the result.

    text  ──▶ TextPieces ──▶ pieces of one part, a JSON string
    JSON  ──▶ JsonPieces ──▶ pieces of one part, or of one part per root member

The pieces of a part, joined, are exactly one compact JSON text; none ends inside an escape sequence, a number or a
literal, so each prefix of them can be shown.
"""

from typing import NamedTuple

from penstock.document import strings


class Piece(NamedTuple):
    """`t` is the next piece of the JSON text of the value at `p`; only the last one may be empty."""

    p: str
    t: str
    #: Whether it is the first one.
    starts: bool = False
    #: Of the whole text, in characters, where this is the last one.
    length: int | None = None


class Part:
    """Counts the characters of one part."""

    def __init__(self, p: str) -> None:
        self._p, self._length = p, 0

    def piece(self, t: str, *, last: bool = False) -> Piece:
        starts = not self._length
        self._length += len(t)
        return Piece(self._p, t, starts, self._length if last else None)


class TextPieces:
    """Plain text as one JSON string at `into`, streamed in escaped pieces."""

    def __init__(self, into: str) -> None:
        self._part = Part(into)
        self._text: list[str] = []

    def feed(self, text: str) -> list[Piece]:
        if not text:
            return []
        quote = "" if self._text else '"'
        self._text.append(text)
        return [self._part.piece(quote + strings.write(text))]

    def finish(self) -> list[Piece]:
        return [self._part.piece('"' if self._text else '""', last=True)]

    @property
    def value(self) -> str:
        """All text so far."""
        return "".join(self._text)
