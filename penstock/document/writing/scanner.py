"""Reads JSON that arrives in arbitrary chunks and refuses it at the first character that cannot be JSON.

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
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NUMBER_PREFIX = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.(?:[0-9]+(?:[eE][+-]?[0-9]*)?)?|[eE][+-]?[0-9]*)?)?")
_LITERALS = {"t": "true", "f": "false", "n": "null"}
_FENCE, _LANGUAGE = "```", "json"


class Span(NamedTuple):
    """`text` belongs to the root's `member`; to the root itself (its braces, names, commas) if that is None."""

    member: str | None
    text: str
    ends: bool  # the member is whole now


class _Container:
    """An object (which knows its member names) or an array, and where in it the scanner is."""

    __slots__ = ("at", "names")

    def __init__(self, names: set[str] | None) -> None:
        self.names = names
        self.at: str | int = 0


class JsonScanner:
    """Strict RFC 8259, plus: no duplicate names, no more than `MAX_DEPTH` levels or `max_length` characters.

    Tolerated and dropped: white space, a byte order mark, a Markdown fence around the whole.
    U+0085, U+2028, U+2029 and surrogates inside strings come out escaped. After OutputInvalid the
    scanner is of no further use.
    """

    def __init__(self, *, max_length: int) -> None:
        self._max_length = max_length
        self._received = 0
        self._held = ""  # the beginning of a token that is not whole yet
        self._out: list[str] = []
        self._spans: list[Span] = []
        self._open: list[_Container] = []
        self._name: list[str] | None = None  # collects a member name
        self._member: str | None = None
        self._fence = 0  # backticks of the closing fence that are still welcome
        self._step: Callable[[str, int], int] = self._preamble
        #: Whether the whole is an object; known as soon as there is a span.
        self.is_object = False

    def feed(self, chunk: str) -> list[Span]:
        text = self._held + chunk if self._held else chunk
        self._received += len(chunk)
        if self._received > self._max_length:
            raise OutputInvalid(f"the JSON text is longer than {self._max_length} characters")
        at, end = 0, len(text)
        while at < end:
            # A step consumes at least one character and says where it stopped, or needs more: -1.
            after = self._step(text, at)
            if after < 0:
                break
            at = after
        self._held = text[at:]
        return self._take()

    def finish(self) -> list[Span]:
        """What was still held back. Raises OutputInvalid if the value is not whole."""
        if self._step == self._value and not self._open and _NUMBER.fullmatch(self._held):
            self._number_is_whole(self._held)
            self._held = ""
        if self._step != self._trailer or self._fence in (1, 2):
            if self._step == self._preamble and not self._held:
                raise OutputInvalid("there is no JSON value: the text is empty")
            what = "string" if self._step == self._string else "value"
            raise OutputInvalid(f"the JSON text ends too early: in an unfinished {what} at {self._where()}")
        return self._take()

    # The steps: each reads one token at `at`.

    def _preamble(self, text: str, at: int) -> int:
        if text[at] in " \t\n\r":
            return self._skip(text, at)
        if text[at] == "\ufeff" and self._received == len(text) - at:
            return at + 1
        start = text[at : at + len(_FENCE)]
        if start == _FENCE:
            at += len(_FENCE)
            language = text[at : at + len(_LANGUAGE)].lower()
            if len(language) < len(_LANGUAGE) and _LANGUAGE.startswith(language):
                return -1
            self._fence = len(_FENCE)
            at += len(_LANGUAGE) if language == _LANGUAGE else 0
        elif at + len(start) == len(text) and _FENCE.startswith(start):
            return -1
        self._step = self._value
        return at if at == len(text) else self._value(text, at)

    def _value(self, text: str, at: int) -> int:
        first = text[at]
        if first == '"':
            self._out.append('"')
            self._step = self._string
            return at + 1
        if first in "{[":
            return self._enter(text, at, first)
        if first in " \t\n\r":
            return self._skip(text, at)
        if first in _LITERALS:
            literal = _LITERALS[first]
            if not text.startswith(literal, at):
                given = text[at : at + len(literal)]
                matching = next(i for i in range(1, len(literal)) if given[i : i + 1] != literal[i])
                if at + matching == len(text):
                    return -1
                self._refuse(text, at + matching, f"the literal {literal}")
            self._out.append(literal)
            self._value_is_whole()
            return at + len(literal)
        if first not in "-0123456789":
            self._refuse(text, at, "a JSON value")
        end = _NUMBER_PREFIX.match(text, at).end()  # type: ignore[union-attr]  # it matches the empty string
        if end - at > MAX_NUMBER:
            raise OutputInvalid(f"a number with more than {MAX_NUMBER} digits at {self._where()}")
        if end == len(text):
            return -1
        number = text[at:end]
        if not _NUMBER.fullmatch(number) or text[end] not in " \t\n\r,]}`":
            self._refuse(text, end, f"a valid number to go on after {number[-20:]!r}")
        self._number_is_whole(number)
        return end

    def _first_element(self, text: str, at: int) -> int:
        if text[at] == "]":
            return self._leave(at, "]")
        if text[at] in " \t\n\r":
            return self._skip(text, at)
        self._step = self._value
        return self._value(text, at)

    def _first_name(self, text: str, at: int) -> int:
        if text[at] == "}":
            return self._leave(at, "}")
        return self._next_name(text, at)

    def _next_name(self, text: str, at: int) -> int:
        if text[at] in " \t\n\r":
            return self._skip(text, at)
        if text[at] != '"':
            self._refuse(text, at, "a member name in double quotes")
        self._name = []
        self._step = self._string
        return at + 1

    def _colon(self, text: str, at: int) -> int:
        if text[at] in " \t\n\r":
            return self._skip(text, at)
        if text[at] != ":":
            self._refuse(text, at, "':'")
        self._out.append(":")
        if len(self._open) == 1:
            self._cut(ends=False)
            self._member = str(self._open[0].at)
        self._step = self._value
        return at + 1

    def _separator(self, text: str, at: int) -> int:
        char, container = text[at], self._open[-1]
        if char == ",":
            self._out.append(",")
            if container.names is None:
                container.at = int(container.at) + 1
                self._step = self._value
            else:
                self._step = self._next_name
            return at + 1
        if char in " \t\n\r":
            return self._skip(text, at)
        close = "]" if container.names is None else "}"
        if char != close:
            self._refuse(text, at, f"',' or '{close}'")
        return self._leave(at, close)

    def _string(self, text: str, at: int) -> int:
        if text[at] != '"':
            after = strings.read_run(text, at, self._out if self._name is None else self._name)
            if after == at:
                self._refuse(text, at, "a valid escape sequence, and control characters only as one")
            return after
        if self._name is None:
            self._out.append('"')
            self._value_is_whole()
        else:
            self._name_is_whole("".join(self._name))
        return at + 1

    def _trailer(self, text: str, at: int) -> int:
        if text[at] in " \t\n\r":
            return self._skip(text, at)
        if text[at] != "`" or not self._fence:
            self._refuse(text, at, "nothing after the JSON value")
        self._fence -= 1
        return at + 1

    # What the steps share.

    def _skip(self, text: str, at: int) -> int:
        if self._fence in (1, 2) and self._step == self._trailer:
            self._refuse(text, at, "the rest of the closing fence")
        return _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches the empty string

    def _enter(self, text: str, at: int, bracket: str) -> int:
        if len(self._open) == MAX_DEPTH:
            self._refuse(text, at, f"no more than {MAX_DEPTH} levels of nesting")
        self._out.append(bracket)
        if bracket == "{":
            self.is_object = self.is_object or not self._open
            self._open.append(_Container(set()))
            self._step = self._first_name
        else:
            self._open.append(_Container(None))
            self._step = self._first_element
        return at + 1

    def _leave(self, at: int, bracket: str) -> int:
        self._out.append(bracket)
        self._open.pop()
        self._value_is_whole()
        return at + 1

    def _value_is_whole(self) -> None:
        if not self._open:
            self._step = self._trailer
            return
        self._step = self._separator
        if len(self._open) == 1 and self._member is not None:
            self._cut(ends=True)
            self._member = None

    def _name_is_whole(self, raw: str) -> None:
        name: str = json.loads(f'"{raw}"') if "\\" in raw else raw
        container = self._open[-1]
        assert container.names is not None
        if name in container.names:
            raise OutputInvalid(f"duplicate member name {name!r} in the object at {self._where(inside=False)}")
        if strings.has_surrogate(name):
            raise OutputInvalid(f"half a surrogate pair in the member name {name!r} at {self._where(inside=False)}")
        container.names.add(name)
        container.at = name
        self._out.append(f'"{raw}"')
        self._name = None
        self._step = self._colon

    def _number_is_whole(self, number: str) -> None:
        if not math.isfinite(float(number)):
            raise OutputInvalid(f"the number {number[:40]} at {self._where()} is too large")
        self._out.append(number)
        self._value_is_whole()

    def _take(self) -> list[Span]:
        if self._out:
            self._cut(ends=False)
        spans, self._spans = self._spans, []
        return spans

    def _cut(self, *, ends: bool) -> None:
        self._spans.append(Span(self._member, "".join(self._out), ends))
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
