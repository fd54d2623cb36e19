"""The best Python value of a JSON text that is still growing."""

import json
import re
from typing import Any

_RUN = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_SCALAR = re.compile(r"[-+.0-9a-zA-Z]+")
#: The value of a text that has none yet.
NOTHING: Any = object()


class Growing:
    """Feed it pieces of one valid JSON text; `value` shows it as if it were closed here.

    A string is shown as far as it has come, an object without the member whose value has not begun; a
    number or literal once it is certain that it is whole, or by `finish`. Each character is read once.
    The value grows in place: who keeps it sees later pieces in it.
    """

    def __init__(self) -> None:
        self._root: Any = NOTHING
        self._open: list[Any] = []  # containers, outermost first
        self._names: list[str | None] = []  # for each of them: the member whose value comes next
        self._string: list[str] | None = None  # decoded runs of the string that is growing
        self._shown = False  # whether that string has been put at its place
        self._expects_name = False
        self._held = ""

    @classmethod
    def whole(cls, t: str) -> "Growing":
        """One that has nothing to grow any more."""
        growing = cls()
        growing._root = json.loads(t)
        return growing

    @property
    def value(self) -> Any:
        """The value so far, NOTHING before its first character."""
        if self._string is not None and not self._expects_name:
            text = "".join(self._string)
            self._string[:] = [text]
            self._put(text)
            self._shown = True
        return self._root

    def feed(self, t: str) -> None:
        text = self._held + t if self._held else t
        self._held = ""
        at = 0
        while at < len(text):
            if self._string is not None:
                at = self._read_string(text, at)
                if at < 0:
                    return
                continue
            char = text[at]
            match = _SCALAR.match(text, at)
            if match is not None:
                if match.end() == len(text) and match[0] not in ("true", "false", "null"):
                    self._held = match[0]
                    return
                self._put(json.loads(match[0]))
                at = match.end()
                continue
            self._read_mark(char)
            at += 1

    def finish(self) -> Any:
        """The text is whole. The value, NOTHING if there was no text."""
        if self._held and self._string is None:
            self._put(json.loads(self._held))
            self._held = ""
        return self.value

    def _read_mark(self, char: str) -> None:
        if char == '"':
            self._string, self._shown = [], False
        elif char == "{" or char == "[":
            container: Any = {} if char == "{" else []
            self._put(container)
            self._shown = False
            self._open.append(container)
            self._names.append(None)
            self._expects_name = char == "{"
        elif char == "}" or char == "]":
            self._open.pop()
            self._names.pop()
            self._expects_name = False
        elif char == ",":
            self._shown = False
            self._expects_name = isinstance(self._open[-1], dict)
        elif char == ":":
            self._expects_name = False

    def _read_string(self, text: str, at: int) -> int:
        assert self._string is not None
        end = _RUN.match(text, at).end()  # type: ignore[union-attr]  # it matches the empty string
        closed = end < len(text) and text[end] == '"'
        run = text[at:end]
        if not closed:
            # An escape that is not whole waits.
            whole = end - at if "\\" not in run else _whole(run)
            run, self._held = run[:whole], text[at + whole :]
        if run:
            self._string.append(json.loads(f'"{run}"', strict=False) if "\\" in run else run)
        if not closed:
            return -1
        if self._expects_name:
            self._names[-1] = "".join(self._string)
        else:
            self._put("".join(self._string))
        self._string, self._shown = None, False
        return end + 1

    def _put(self, value: Any) -> None:
        if not self._open:
            self._root = value
        elif isinstance(self._open[-1], dict):
            self._open[-1][self._names[-1]] = value
        elif self._shown:
            self._open[-1][-1] = value
        else:
            self._open[-1].append(value)


def _whole(run: str) -> int:
    """How much of `run` can be decoded: all but an escape sequence, or a pair of them, that it ends inside of."""
    match = re.search(r"\\u(?:[0-9a-fA-F]{0,3}|[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?)\Z", run)
    if match is None:
        return len(run)
    # A backslash that is itself escaped begins nothing.
    before = run[: match.start()]
    escaped = (len(before) - len(before.rstrip("\\"))) % 2
    return len(run) if escaped else match.start()
