"""The writer's side: what a model writes, character by character, becomes parts of the result.

    text  ──▶ TextPieces ──▶ pieces of one part, a JSON string
    JSON  ──▶ JsonPieces ──▶ pieces of one part, or of one part per root member

The pieces of a part, joined, are exactly one compact JSON text; none ends inside an escape sequence, a number or a
literal, so each prefix of them can be shown.
"""

import json
import math
import re
from collections.abc import Generator
from typing import Any, NamedTuple, NoReturn, TypeVar

from penstock.document import strings
from penstock.document.pointer import join
from penstock.errors import OutputInvalid

#: Characters of a value, white space included, that are read before the model is stopped.
MAX_LENGTH = 4_000_000
MAX_DEPTH = 64
#: Longer numbers are a model that got stuck on a digit.
MAX_NUMBER = 256

_SPACE = re.compile(r"[ \t\n\r]*")
_SCALAR = re.compile(r"[-+.0-9A-Za-z]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LITERALS = ("true", "false", "null")
_FENCE = re.compile("```(?:json)?", re.IGNORECASE)

T = TypeVar("T")
#: A rule of JSON's grammar: it yields what is unfinished where the text ends.
_Reading = Generator[str, None, T]


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


class JsonPieces:
    """JSON text in arbitrary chunks as one part at `into`, or with `split_root` as one part per root member.

    A root that is split must be an object: any other would be shown over all that stands at `into`, by others, too. An
    empty one is no part.

    Strict RFC 8259, plus: no duplicate names, no half surrogate pairs, limits on length, nesting and numbers. Tolerated
    and dropped: white space, a byte order mark, a Markdown fence around it. U+0085, U+2028 and U+2029 in strings come
    out escaped. `feed` and `finish` raise OutputInvalid, whose detail can be shown to the model; nothing can be fed
    after that. `complete_tokens`: no chunk ends inside a number or a literal.
    """

    def __init__(
        self, into: str, split_root: bool, *, max_length: float = MAX_LENGTH, complete_tokens: bool = False
    ) -> None:
        self._into, self._split_root, self._max_length = into, split_root, max_length
        self._text, self._at = "", 0  # what is not read yet begins at `_at`
        self._received = 0
        self._finished = complete_tokens  # a number or a literal that ends with the text is complete
        self._path: list[Any] = []  # where the reader is: a name or an index for each open container
        self._out: list[str] = []  # compact JSON, which belongs to
        self._part: str | None = None  # None: the root that is split (its braces, names, commas)
        self._pieces: list[Piece] = []
        self._reading = self._root()
        self._values: list[Any] = [None]
        self._string: tuple[Any, Any, list[str]] | None = None  # the one being read: its place, and its text

    def feed(self, text: str) -> list[Piece]:
        if not self._received:
            text = text.removeprefix("\ufeff")
        self._received += len(text)
        if self._received > self._max_length:
            raise OutputInvalid(f"the JSON text is longer than {self._max_length} characters")
        self._text, self._at = self._text[self._at :] + text, 0
        next(self._reading, None)
        return self._taken()

    def finish(self) -> list[Piece]:
        self._finished = True
        unfinished = next(self._reading, None)
        if unfinished is None:
            return self._taken()
        if self._part is None and not self._path:
            raise OutputInvalid("there is no JSON value: the text is empty")
        raise OutputInvalid(f"the JSON text ends too early: in an unfinished {unfinished} at {self._where()}")

    @property
    def value(self) -> Any:
        """The value as far as it has come, as if strings and containers were closed here; None before it begins.

        To be read, not changed: it grows on.
        """
        self._put_string()
        return self._values[0]

    def _root(self) -> _Reading[None]:
        fenced = (yield from self._peek()) == "`"
        if fenced:
            while len(self._text) - self._at < len("```json") and not self._finished:
                yield "value"
            fence = _FENCE.match(self._text, self._at)
            self._at = fence.end() if fence else self._refuse("a JSON value")
        if self._split_root:
            yield from self._peek("{", "an object")
        else:
            self._part = self._into
        yield from self._value(self._values, 0)
        while True:
            self._skip_space()
            rest = self._text[self._at : self._at + 3]
            if fenced and rest == "```":
                self._at += 3
                fenced = False
            elif rest and not (fenced and "```".startswith(rest)):
                self._refuse("nothing after the JSON value")
            elif self._finished and not rest:
                break
            else:
                yield "value"
        self._cut(last=True)

    def _value(self, holder: Any, at: Any) -> _Reading[None]:
        """Puts a value at its place in a list or a dict at once, and lets it grow there (strings: when asked)."""
        match (yield from self._peek()):
            case '"':
                self._read()
                self._string = holder, at, (text := [])
                while piece := (yield from self._piece()):
                    self._out.append(piece)
                    text.append(strings.read(piece))
                self._put_string()
                self._string = None
                self._read()
            case "{":
                holder[at] = {}
                yield from self._container(holder[at], "}")
            case "[":
                holder[at] = []
                yield from self._container(holder[at], "]")
            case _:
                holder[at] = yield from self._scalar()

    def _put_string(self) -> None:
        """Joined when asked for: to add each piece to a long string would copy it each time."""
        if self._string is not None:
            holder, at, text = self._string
            holder[at] = "".join(text)
            text[:] = [holder[at]]

    def _container(self, values: Any, close: str) -> _Reading[None]:
        if len(self._path) == MAX_DEPTH:
            self._refuse(f"no more than {MAX_DEPTH} levels of nesting")
        self._path.append("" if close == "}" else 0)
        self._read()
        more = (yield from self._peek()) != close
        while more:
            at: Any = len(values)
            if close == "}":
                at = yield from self._name(values)
            else:
                self._path[-1] = at
                yield from self._peek()
                values.append(None)
            is_part = self._split_root and len(self._path) == 1
            if is_part:
                self._out.clear()
                self._part = join(self._into, at)
            yield from self._value(values, at)
            if is_part:
                self._cut(last=True)
            more = (yield from self._peek(f",{close}", f"',' or '{close}'")) == ","
            if more:
                self._read()
        self._path.pop()
        self._read()

    def _name(self, members: dict[str, Any]) -> _Reading[str]:
        """A member's name and the colon behind it."""
        yield from self._peek('"', "a member name in double quotes")
        self._at += 1
        raw = ""
        while piece := (yield from self._piece()):
            raw += piece
        self._at += 1
        name = strings.read(raw)
        if name in members:
            self._path.pop()
            raise OutputInvalid(f"duplicate member name {name!r} in the object at {self._where()}")
        self._out.append(f'"{raw}"')
        self._path[-1] = name
        yield from self._peek(":", "':'")
        self._read()
        return name

    def _piece(self) -> _Reading[str]:
        """The next piece of a string, without half an escape sequence or surrogate pair; "" at its closing quote."""
        while self._at == len(self._text) or (end := strings.end_of_run(self._text, self._at)) < 0:
            yield "string"
        piece = self._text[self._at : end]
        if not piece and self._text[end] != '"':
            self._refuse("a valid escape sequence, and control characters only as one")
        self._at = end
        return strings.escape(piece)

    def _scalar(self) -> _Reading[Any]:
        while len(scalar := _SCALAR.match(self._text, self._at)[0]) == len(self._text) - self._at:  # type: ignore[index]
            if self._finished or len(scalar) > MAX_NUMBER:
                break
            yield "value"
        if len(scalar) > MAX_NUMBER:
            raise OutputInvalid(f"a number with more than {MAX_NUMBER} digits at {self._where()}")
        if scalar not in _LITERALS:
            if not _NUMBER.fullmatch(scalar):
                self._refuse("a JSON value")
            if not math.isfinite(float(scalar)):
                raise OutputInvalid(f"the number {scalar[:40]} at {self._where()} is too large")
        self._read(len(scalar))
        return json.loads(scalar)

    def _peek(self, marks: str = "", expected: str = "") -> _Reading[str]:
        """The next character that is no white space; it has to be one of `marks`, if there are any."""
        self._skip_space()
        while self._at == len(self._text):
            yield "value"
            self._skip_space()
        if marks and self._text[self._at] not in marks:
            self._refuse(expected)
        return self._text[self._at]

    def _skip_space(self) -> None:
        self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]  # it matches the empty string

    def _read(self, length: int = 1) -> None:
        self._out.append(self._text[self._at : self._at + length])
        self._at += length

    def _cut(self, *, last: bool = False) -> None:
        text = "".join(self._out)
        self._out.clear()
        if self._part is not None and (text or last):
            self._pieces.append(Piece(self._part, text, last))
        if last:
            self._part = None

    def _taken(self) -> list[Piece]:
        self._cut()
        pieces, self._pieces = self._pieces, []
        return pieces

    def _where(self) -> str:
        return "".join(join("", token) for token in self._path) or "the root"

    def _refuse(self, expected: str) -> NoReturn:
        at = self._at
        raise OutputInvalid(
            f"not JSON at character {self._received - len(self._text) + at}, at {self._where()}: expected {expected},"
            f" found {self._text[at : at + 12]!r} after {self._text[max(0, at - 20) : at]!r}"
        )
