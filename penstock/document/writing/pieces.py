"""The writer's side: what a model writes, character by character, becomes parts of the result.

    text  ──▶ TextPieces ──▶ Start, Piece, Piece, … End     one JSON string
    JSON  ──▶ JsonPieces ──▶ Start, Piece, … End, Start, …  one part, or one part per root member

The pieces of a part, joined, are exactly one compact JSON text; none ends inside an escape sequence, a number or a
literal, so each prefix of them can be shown.
"""

import json
from typing import Any, NamedTuple

from penstock.document import strings
from penstock.document.writing.scanner import JsonScanner, Span

#: Characters of a value, white space included, that are read before the model is stopped.
MAX_LENGTH = 4_000_000


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


class TextPieces:
    """Plain text as one JSON string at `into`, streamed in escaped pieces."""

    def __init__(self, into: str) -> None:
        self._part = _Part(into)
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
        ops = self.feed(self._characters.finish())
        return [*ops, *self._part.write('"' if self._text else '""'), self._part.end()]

    @property
    def value(self) -> str:
        """All text so far."""
        return "".join(self._text)


class JsonPieces:
    """JSON text in arbitrary chunks as one part at `into`, or with `split_root` as one part per root member.

    A root that is no object is one part even then, and an empty object is none. `feed` and `finish`
    raise OutputInvalid, see `JsonScanner` for what is refused; its detail can be shown to the model.
    """

    def __init__(self, into: str, split_root: bool, *, max_length: int = MAX_LENGTH) -> None:
        self._characters = strings.Characters()
        self._scanner = JsonScanner(into, split_root, max_length=max_length)
        self._text: list[str] = []
        self._part: _Part | None = None

    def feed(self, text: str) -> list[Op]:
        return self._ops(self._scanner.feed(self._characters.feed(text)))

    def finish(self) -> list[Op]:
        ops = self._ops(self._scanner.feed(self._characters.finish()) + self._scanner.finish())
        if self._part is not None:  # the complete value was the part
            ops.append(self._part.end())
            self._part = None
        return ops

    @property
    def value(self) -> Any:
        """The value as Python, once `finish` has returned."""
        return json.loads("".join(self._text))

    def _ops(self, spans: list[Span]) -> list[Op]:
        ops: list[Op] = []
        for span in spans:
            self._text.append(span.text)
            if span.p is None:
                continue
            if self._part is None:
                self._part = _Part(span.p)
            ops += self._part.write(span.text)
            if span.ends:
                ops.append(self._part.end())
                self._part = None
        return ops


class _Part:
    """Counts the characters of one part."""

    def __init__(self, p: str) -> None:
        self._p, self._length = p, 0

    def write(self, t: str) -> list[Op]:
        begun = self._length > 0
        self._length += len(t)
        return [Piece(self._p, t)] if begun else [Start(self._p), Piece(self._p, t)]

    def end(self) -> Op:
        return End(self._p, self._length)
