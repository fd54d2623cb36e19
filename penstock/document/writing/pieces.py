"""The writer's side: what a model says, character by character, becomes parts of the result.

    text  ──▶ TextPieces ──▶ Start, Piece, Piece, … End     one JSON string
    JSON  ──▶ JsonPieces ──▶ Start, Piece, … End, Start, …  one part, or one part per root member

The pieces of a part, joined, are exactly one compact JSON text; each prefix of them can be shown.
"""

import json
from typing import Any, NamedTuple

from penstock.document import strings
from penstock.document.pointer import join
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
    """The value at `p` is whole; its JSON text has `length` characters."""

    p: str
    length: int


Op = Start | Piece | End


class TextPieces:
    """Plain text as one JSON string at `into`, streamed in escaped pieces."""

    def __init__(self, into: str) -> None:
        self._into = into
        self._text: list[str] = []
        self._held = ""  # a high surrogate that waits for its low one
        self._length = 0

    def feed(self, text: str) -> list[Op]:
        if not text.isascii() or self._held:
            text = self._whole_pairs(self._held + text)
        return self._write(text, quote="") if text else []

    def finish(self) -> list[Op]:
        text, self._held = self._held, ""
        ops = self._write(text, quote='"')
        ops.append(End(self._into, self._length))
        return ops

    @property
    def value(self) -> str:
        """All text so far."""
        return "".join(self._text)

    def _whole_pairs(self, text: str) -> str:
        self._held = ""
        if not strings.has_surrogate(text):
            return text
        text = strings.join_surrogates(text)
        if strings.is_high_surrogate(text[-1]):
            text, self._held = text[:-1], text[-1]
        return text

    def _write(self, text: str, quote: str) -> list[Op]:
        self._text.append(text)
        t = strings.write(text) + quote
        ops: list[Op] = []
        if not self._length:
            ops.append(Start(self._into))
            t = '"' + t
        ops.append(Piece(self._into, t))
        self._length += len(t)
        return ops


class JsonPieces:
    """JSON text in arbitrary chunks as one part at `into`, or with `split_root` as one part per root member.

    A root that is no object is one part even then, and an empty object is none. `feed` and `finish`
    raise OutputInvalid, see `JsonScanner` for what is refused; its detail can be told to the model.
    """

    def __init__(self, into: str, split_root: bool, *, max_length: int = MAX_LENGTH) -> None:
        self._into, self._split_root = into, split_root
        self._scanner = JsonScanner(max_length=max_length)
        self._text: list[str] = []
        self._part = ""
        self._length = 0  # of the current part; 0 before it has begun

    def feed(self, text: str) -> list[Op]:
        return self._ops(self._scanner.feed(text))

    def finish(self) -> list[Op]:
        ops = self._ops(self._scanner.finish())
        if self._length:  # the whole value was the part
            ops.append(End(self._part, self._length))
            self._length = 0
        return ops

    @property
    def value(self) -> Any:
        """The whole value as Python, once `finish` has returned."""
        return json.loads("".join(self._text))

    def _ops(self, spans: list[Span]) -> list[Op]:
        ops: list[Op] = []
        if not self._split_root or not self._scanner.is_object:
            text = "".join([span.text for span in spans])
            if text:
                self._text.append(text)
                self._write(ops, self._into, text)
            return ops
        for span in spans:
            self._text.append(span.text)
            if span.member is None:
                continue
            if not self._length:
                self._part = join(self._into, span.member)
            self._write(ops, self._part, span.text)
            if span.ends:
                ops.append(End(self._part, self._length))
                self._length = 0
        return ops

    def _write(self, ops: list[Op], p: str, text: str) -> None:
        if not self._length:
            self._part = p
            ops.append(Start(p))
        ops.append(Piece(p, text))
        self._length += len(text)
