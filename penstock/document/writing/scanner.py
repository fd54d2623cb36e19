"""Reads JSON that arrives in arbitrary chunks and refuses it at the first token that cannot be JSON.

    chunks ──▶ JsonScanner ──▶ spans: the same JSON, compact, cut only where cutting is safe

Safe means: a span never ends inside an escape sequence, a surrogate pair, a literal, a number or a
member name. Whatever has been handed out can therefore be shown as it is.
"""

import json
import math
import re
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from penstock.document import strings
from penstock.document.pointer import join
from penstock.errors import OutputInvalid

MAX_DEPTH = 64
#: Longer numbers are a model that got stuck on a digit.
MAX_NUMBER = 256

_SPACE = re.compile(r"[ \t\n\r]*")
_SCALAR = re.compile(r"[-+.0-9A-Za-z]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LITERALS = ("true", "false", "null")
_FENCE, _FENCE_OF_JSON = "```", "```json"


class Span(NamedTuple):
    """`text` belongs to the part at `p`; if that is None, to the root that is split (its braces, names, commas)."""

    p: str | None
    text: str
    ends: bool  # the root member at `p` is complete now


class _Container:
    """An object or an array; `at`: the name of the member, or the index of the element, that the scanner is in."""

    __slots__ = ("at", "names")

    def __init__(self, at: str | int) -> None:
        self.at = at
        self.names: set[str] = set()  # of an object's members so far


class JsonScanner:
    """Strict RFC 8259, plus: no duplicate names, no half surrogate pairs, limits on length and nesting.

    Tolerated and dropped: white space, a byte order mark, a Markdown fence around it.
    U+0085, U+2028 and U+2029 inside strings come out escaped. `split_root`: the members of a root object
    are parts of their own, else all is one part at `into`. After OutputInvalid the scanner is of no further use.
    """

    def __init__(self, into: str, split_root: bool, *, max_length: int) -> None:
        self._into, self._split_root, self._max_length = into, split_root, max_length
        self._received = 0
        self._unread = ""  # the beginning of a token
        self._out: list[str] = []
        self._spans: list[Span] = []
        self._part: str | None = into  # that `_out` belongs to
        self._open: list[_Container] = []
        self._name: list[str] | None = None  # collects a member name
        self._fenced = False  # a closing fence may follow
        #: Reads one token at a position that is not white space, and says where it ends; -1 if it needs more text.
        self._next: Callable[[str, int], int] = self._preamble

    def feed(self, chunk: str) -> list[Span]:
        if not self._received:
            chunk = chunk.removeprefix("\ufeff")
        self._received += len(chunk)
        if self._received > self._max_length:
            raise OutputInvalid(f"the JSON text is longer than {self._max_length} characters")
        return self._read(self._unread + chunk)

    def finish(self) -> list[Span]:
        """What was still held back. Raises OutputInvalid if the value is not complete."""
        if self._next == self._value:
            self._spans = self._read(self._unread + " ")  # a number at the root ends here
        if self._next != self._trailer or self._unread:
            if self._next == self._preamble and not self._unread:
                raise OutputInvalid("there is no JSON value: the text is empty")
            what = "string" if self._next == self._string else "value"
            raise OutputInvalid(f"the JSON text ends too early: in an unfinished {what} at {self._where()}")
        return self._take()

    def _read(self, text: str) -> list[Span]:
        at, end = 0, len(text)
        while at < end:
            if text[at] in " \t\n\r" and self._next != self._string:
                at = _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches the empty string
                continue
            after = self._next(text, at)
            if after < 0:
                break
            at = after
        self._unread = text[at:]
        return self._take()

    # What `_next` may be.

    def _preamble(self, text: str, at: int) -> int:
        start = text[at : at + len(_FENCE_OF_JSON)].lower()
        if len(start) < len(_FENCE_OF_JSON) and _FENCE_OF_JSON.startswith(start):
            return -1
        self._next = self._value
        if not start.startswith(_FENCE):
            return at
        self._fenced = True
        return at + len(_FENCE_OF_JSON if start == _FENCE_OF_JSON else _FENCE)

    def _value(self, text: str, at: int) -> int:
        first = text[at]
        if first == '"':
            self._out.append('"')
            self._next = self._string
            return at + 1
        if first == "{" or first == "[":
            return self._enter(text, at)
        end = _SCALAR.match(text, at).end()  # type: ignore[union-attr]  # it matches the empty string
        if end - at > MAX_NUMBER:
            raise OutputInvalid(f"a number with more than {MAX_NUMBER} digits at {self._where()}")
        if end == len(text):
            return -1
        scalar = text[at:end]
        if scalar not in _LITERALS:
            if not _NUMBER.fullmatch(scalar):
                self._refuse(text, at, "a JSON value")
            if not math.isfinite(float(scalar)):
                raise OutputInvalid(f"the number {scalar[:40]} at {self._where()} is too large")
        self._out.append(scalar)
        self._value_ends()
        return end

    def _first_element(self, text: str, at: int) -> int:
        return self._leave("]", at) if text[at] == "]" else self._value(text, at)

    def _first_name(self, text: str, at: int) -> int:
        return self._leave("}", at) if text[at] == "}" else self._member(text, at)

    def _member(self, text: str, at: int) -> int:
        if text[at] != '"':
            self._refuse(text, at, "a member name in double quotes")
        self._name = []
        self._next = self._string
        return at + 1

    def _colon(self, text: str, at: int) -> int:
        if text[at] != ":":
            self._refuse(text, at, "':'")
        self._out.append(":")
        if len(self._open) == 1 and self._split_root:
            self._cut(ends=False)
            self._part = join(self._into, self._open[0].at)
        self._next = self._value
        return at + 1

    def _separator(self, text: str, at: int) -> int:
        container = self._open[-1]
        close = "]" if isinstance(container.at, int) else "}"
        if text[at] == close:
            return self._leave(close, at)
        if text[at] != ",":
            self._refuse(text, at, f"',' or '{close}'")
        self._out.append(",")
        if isinstance(container.at, int):
            container.at += 1
            self._next = self._value
        else:
            self._next = self._member
        return at + 1

    def _string(self, text: str, at: int) -> int:
        if text[at] != '"':
            end = strings.end_of_run(text, at)
            if end == at:
                self._refuse(text, at, "a valid escape sequence, and control characters only as one")
            if end > at:
                (self._out if self._name is None else self._name).append(strings.escape(text[at:end]))
            return end
        if self._name is None:
            self._out.append('"')
            self._value_ends()
        else:
            self._name_ends("".join(self._name))
        return at + 1

    def _trailer(self, text: str, at: int) -> int:
        start = text[at : at + len(_FENCE)]
        if not self._fenced or not _FENCE.startswith(start):
            self._refuse(text, at, "nothing after the JSON value")
        if start != _FENCE:
            return -1
        self._fenced = False
        return at + len(_FENCE)

    # What they share.

    def _enter(self, text: str, at: int) -> int:
        if len(self._open) == MAX_DEPTH:
            self._refuse(text, at, f"no more than {MAX_DEPTH} levels of nesting")
        is_object = text[at] == "{"
        if not self._open:
            self._split_root = self._split_root and is_object
            self._part = None if self._split_root else self._into
        self._out.append(text[at])
        self._open.append(_Container("" if is_object else 0))
        self._next = self._first_name if is_object else self._first_element
        return at + 1

    def _leave(self, bracket: str, at: int) -> int:
        self._out.append(bracket)
        self._open.pop()
        self._value_ends()
        return at + 1

    def _value_ends(self) -> None:
        self._next = self._separator if self._open else self._trailer
        if len(self._open) == 1 and self._split_root:
            self._cut(ends=True)
            self._part = None

    def _name_ends(self, raw: str) -> None:
        name: str = json.loads(f'"{raw}"') if "\\" in raw else raw
        container = self._open[-1]
        if name in container.names:
            raise OutputInvalid(f"duplicate member name {name!r} in the object at {self._where(inside=False)}")
        container.names.add(name)
        container.at = name
        self._out.append(f'"{raw}"')
        self._name = None
        self._next = self._colon

    def _take(self) -> list[Span]:
        if self._out:
            self._cut(ends=False)
        spans, self._spans = self._spans, []
        return spans

    def _cut(self, *, ends: bool) -> None:
        self._spans.append(Span(self._part, "".join(self._out), ends))
        self._out.clear()

    def _where(self, *, inside: bool = True) -> str:
        pointer = ""
        for container in self._open if inside else self._open[:-1]:
            pointer = join(pointer, container.at)
        return pointer or "the root"

    def _refuse(self, text: str, at: int, expected: str) -> NoReturn:
        position = self._received - len(text) + at
        raise OutputInvalid(
            f"not JSON at character {position}, at {self._where()}:"
            f" expected {expected}, found {text[at : at + 12]!r} after {text[max(0, at - 20) : at]!r}"
        )
