"""The writer's side: what a model writes, character by character, becomes parts of the result.

    text  ──▶ TextPieces ──▶ Start, Piece, Piece, … End     one JSON string
    JSON  ──▶ JsonPieces ──▶ Start, Piece, … End, Start, …  one part, or one part per root member

The pieces of a part, joined, are exactly one compact JSON text; none ends inside an escape sequence, a number or a
literal, so each prefix of them can be shown.
"""

from typing import NamedTuple

from penstock.document import strings


class Start(NamedTuple):
    """A value begins to grow at `p`."""

    p: str


class Piece(NamedTuple):
    """`t` is the next piece of the JSON text of the value at `p`; it is never empty."""

    p: str
    t: str


class End(NamedTuple):
    """The value at `p` is complete; its JSON text has `length` characters."""

    p: str
    length: int


Op = Start | Piece | End


class Part:
    """Counts the characters of one part."""

    def __init__(self, p: str) -> None:
        self._p, self._length = p, 0

    def write(self, t: str) -> list[Op]:
        begun = self._length > 0
        self._length += len(t)
        return [Piece(self._p, t)] if begun else [Start(self._p), Piece(self._p, t)]

    def end(self) -> Op:
        return End(self._p, self._length)


class TextPieces:
    """Plain text as one JSON string at `into`, streamed in escaped pieces."""

    def __init__(self, into: str) -> None:
        self._part = Part(into)
        self._characters = strings.Characters()
        self._text: list[str] = []

    def feed(self, text: str) -> list[Op]:
        text = self._characters.feed(text)
        if not text:
            return []
        quote = "" if self._text else '"'
        self._text.append(text)
        return self._part.write(quote + strings.write(text))

    def finish(self) -> list[Op]:
        ops = self.feed(self._characters.feed("", last=True))
        return [*ops, *self._part.write('"' if self._text else '""'), self._part.end()]

    @property
    def value(self) -> str:
        """All text so far."""
        return "".join(self._text)
