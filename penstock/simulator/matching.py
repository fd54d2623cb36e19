"""A text that matches a regular expression, of the kind that schemas have: literals, classes, groups, repeats."""

import re
import string

#: What is looked through for a character of a class.
_CHARACTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits + string.punctuation + " "
_ESCAPES = {"d": "1", "w": "a", "s": " ", "D": "x", "W": "-", "S": "x", "t": "\t", "n": "\n", "r": "\r"}
_NOTHING = set("AZzbB")
_REPEAT = re.compile(r"(?:([*?])|(\+)|\{(\d+)(?:,\d*)?\})[?+]?")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_GROUP = re.compile(r"\((?:\?:|\?P?<[A-Za-z_]\w*>)?")
_LONGEST = 10_000


def matching(pattern: str) -> str | None:
    """The first alternatives, each repeated as seldom as may be; None where none is found."""
    try:
        found = _Reader(pattern).whole()
        return found if re.search(pattern, found) else None
    except (ValueError, re.error, RecursionError):
        return None


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern, self._at = pattern, 0

    def whole(self) -> str:
        found = self._alternatives()
        if self._at < len(self._pattern):
            raise ValueError("a bracket too many")
        return found

    def _next(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self, form: re.Pattern[str]) -> re.Match[str] | None:
        found = form.match(self._pattern, self._at)
        self._at = found.end() if found else self._at
        return found

    def _alternatives(self) -> str:
        first = self._sequence()
        while self._next() == "|":
            self._at += 1
            self._sequence()
        return first

    def _sequence(self) -> str:
        found = ""
        while self._next() not in ("", "|", ")"):
            piece, times = self._atom(), 1
            if repeat := self._take(_REPEAT):
                times = 0 if repeat[1] else 1 if repeat[2] else int(repeat[3])
            if len(found) + times * len(piece) > _LONGEST:
                raise ValueError("too long")
            found += piece * times
        return found

    def _atom(self) -> str:
        if group := self._take(_GROUP):
            found = self._alternatives()
            if group[0] == "(" and self._pattern[group.end() : group.end() + 1] == "?":
                raise ValueError("a group of a kind that is not known")
            if self._next() != ")":
                raise ValueError("a bracket too few")
            self._at += 1
            return found
        if one_of := self._take(_CLASS):
            fits = re.compile(one_of[0])
            return next((one for one in _CHARACTERS if fits.fullmatch(one)), "")
        char = self._next()
        self._at += 1
        if char == "\\":
            escaped = self._next()
            self._at += 1
            if escaped.isdigit():
                raise ValueError("a reference to a group")
            return "" if escaped in _NOTHING else _ESCAPES.get(escaped, escaped)
        return {"^": "", "$": "", ".": "x"}.get(char, char)
