"""The writer's side: what a model writes, character by character, becomes parts of the result.

    text  ──▶ TextPieces ──▶ pieces of one part, a JSON string
    JSON  ──▶ JsonPieces ──▶ pieces of one part, or of one part per root member

The pieces of a part, joined, are exactly one compact JSON text; none ends inside an escape sequence, a number or a
literal, so each prefix of them can be shown.
"""

from typing import NamedTuple

from penstock.document import strings


class Piece(NamedTuple):
    """`t` is the next piece of the JSON text of the value at `p`, which is complete with the `last` one.

    Only the last one may be empty, and only if there are others.
    """

    p: str
    t: str
    last: bool = False


class TextPieces:
    """Plain text as one JSON string at `into`, streamed in escaped pieces."""

    def __init__(self, into: str) -> None:
        self._into = into
        self._text: list[str] = []

    def feed(self, text: str) -> list[Piece]:
        if not text:
            return []
        quote = "" if self._text else '"'
        self._text.append(text)
        return [Piece(self._into, quote + strings.write(text))]

    def finish(self) -> list[Piece]:
        return [Piece(self._into, '"' if self._text else '""', last=True)]

    @property
    def value(self) -> str:
        """All text so far."""
        return "".join(self._text)
