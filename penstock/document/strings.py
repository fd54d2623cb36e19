"""The inside of JSON strings: where it can be cut, and how text is written into it.

Written as escapes, although JSON does not ask for it: U+0085, U+2028 and U+2029 (line ends to some readers).
"""

import codecs
import json
import re
from json.encoder import encode_basestring

_HEX = "[0-9a-fA-F]"
_HIGH, _LOW = f"[dD][89abAB]{_HEX}{{2}}", f"[dD][c-fC-F]{_HEX}{{2}}"
_RUN = re.compile(
    rf'(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u(?:(?![dD][89a-fA-F]){_HEX}{{4}}|{_HIGH}\\u{_LOW}))*+'
)  # fmt: skip
_UNFINISHED = re.compile(rf"\\(?:u(?:{_HEX}{{0,3}}|{_HIGH}(?:\\(?:u(?:[dD](?:[c-fC-F]{_HEX}?)?)?)?)?))?\Z")
_LINE_ENDS = re.compile("[\x85\u2028\u2029]")


def end_of_run(text: str, at: int) -> int:
    """How far the inside of a string can be read from `at` on without cutting an escape sequence or a pair of them.

    The same `at`: it is at a quote, or at something that may not be there (half a surrogate pair, say). -1: the text
    ends inside an escape sequence or a pair of them.
    """
    end = _RUN.match(text, at).end()  # type: ignore[union-attr]  # it matches the empty string
    return -1 if end == at and _UNFINISHED.match(text, at) else end


def write(text: str) -> str:
    """`text` as the inside of a JSON string."""
    return escape(encode_basestring(text)[1:-1])


def read(inside: str) -> str:
    """The text that `inside`, the inside of a JSON string, stands for."""
    return inside if "\\" not in inside else str(json.loads(f'"{inside}"'))


def escape(json_text: str) -> str:
    """`json_text` (complete, or the inside of a string) with the line ends in it as escapes."""
    if json_text.isascii():
        return json_text
    return _LINE_ENDS.sub(lambda match: f"\\u{ord(match[0]):04x}", json_text)


class Characters:
    """Text whose chunks may be cut inside a character, as UTF-16 has it.

    A surrogate pair is joined, over chunks too; half a pair becomes U+FFFD, since no UTF-8 can hold it.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-16-le")("replace")

    def feed(self, chunk: str, *, last: bool = False) -> str:
        """The characters that are complete; after the last chunk, all of them."""
        return self._decoder.decode(chunk.encode("utf-16-le", "surrogatepass"), last)


def whole(text: str) -> str:
    """`text` as UTF-8 can hold it: pairs of surrogates are joined, half a pair is U+FFFD."""
    return Characters().feed(text, last=True)
