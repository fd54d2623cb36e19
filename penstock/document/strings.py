"""The inside of JSON strings: reading it in safe pieces, and writing text into it.

Safe everywhere the text may go: U+0085, U+2028 and U+2029 (line ends to some readers) and surrogates
(not encodable as UTF-8) are written as escapes.
"""

import re
from json.encoder import encode_basestring

_HEX = "[0-9a-fA-F]"
_HIGH, _LOW = f"[dD][89abAB]{_HEX}{{2}}", f"[dD][c-fC-F]{_HEX}{{2}}"
#: As much as can be copied unchanged and is whole in itself.
_RUN = re.compile(
    r'(?:[^"\\\x00-\x1f\x85\u2028\u2029\ud800-\udfff]++|\\["\\/bfnrt]'
    rf"|\\u(?:(?![dD][89a-fA-F]){_HEX}{{4}}|{_HIGH}\\u{_LOW}))*+"
)
_HALF_ESCAPE = re.compile(rf"\\(?:u{_HEX}{{0,3}})?\Z")
_HIGH_ESCAPE = re.compile(rf"\\u{_HIGH}")
_LOW_ESCAPE = re.compile(rf"\\u{_LOW}")
_MAYBE_LOW = re.compile(rf"(?:\\(?:u(?:[dD](?:[c-fC-F]{_HEX}?)?)?)?)?\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")
_TO_ESCAPE = re.compile("[\x85\u2028\u2029\ud800-\udfff]")


def read_run(text: str, at: int, into: list[str]) -> int:
    """Appends what `text` has from `at` on, and says where it stopped reading.

    The same `at` means that nothing can be read: it is at a quote, at a character that may not be
    there, or -1: the text ends inside an escape sequence or a surrogate pair, more of it is needed.
    """
    end = _RUN.match(text, at).end()  # type: ignore[union-attr]  # it matches the empty string
    if end > at:
        into.append(text[at:end])
        return end
    char = text[at]
    if char in "\x85\u2028\u2029":
        into.append(_escape(char))
        return at + 1
    if char == "\\" and _HALF_ESCAPE.match(text, at):
        return -1
    high, end = _surrogate(text, at, _HIGH_ESCAPE, "\ud800", "\udbff")
    if not high:
        low, end = _surrogate(text, at, _LOW_ESCAPE, "\udc00", "\udfff")
        into.append(low)
        return end
    if _MAYBE_LOW.match(text, end):
        return -1
    low, end = _surrogate(text, end, _LOW_ESCAPE, "\udc00", "\udfff")
    into.append(high + low)
    return end


def write(text: str) -> str:
    """`text` as the inside of a JSON string."""
    return escape(encode_basestring(text)[1:-1])


def escape(json_text: str) -> str:
    """`json_text` (a whole one or the inside of a string) with what is not safe everywhere as escapes."""
    if json_text.isascii():
        return json_text
    return _TO_ESCAPE.sub(lambda match: _escape(match[0]), json_text)


def has_surrogate(text: str) -> bool:
    return _SURROGATE.search(text) is not None


def join_surrogates(text: str) -> str:
    """`text` with each two UTF-16 code units that make a character as that character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def is_high_surrogate(char: str) -> bool:
    return "\ud800" <= char <= "\udbff"


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}"


def _surrogate(text: str, at: int, escape: re.Pattern[str], first: str, last: str) -> tuple[str, int]:
    """The surrogate at `at` as an escape, and where it ends; "" and `at` if there is none of the given range."""
    if match := escape.match(text, at):
        return match[0], match.end()
    if first <= text[at : at + 1] <= last:
        return _escape(text[at]), at + 1
    return "", at
