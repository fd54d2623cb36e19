"""Text of others on its way to a terminal, a log or an error message."""

import re

#: Controls but line feed and tab (ESC begins every sequence), the C1 controls that some terminals take for such
#: beginnings, marks and overrides of direction, separators of lines, invisible tags, halves of characters.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_CREDENTIALS = re.compile(r"(?<=://)[^\s/]*@")


def printable(text: str) -> str:
    r"""The text with what a terminal would obey, or hide, as JSON's escapes: `\u001b`.

    Each character by itself, so a text may come in pieces. A JSON text stays that JSON text, with the same value, since
    within it such characters stand in strings only.
    """
    return text if text.isprintable() else _UNSAFE.sub(_escaped, text)  # far quicker, and true of most


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def without_credentials(text: str) -> str:
    """The text with its URLs as they are without user, password or token: `nats://me:secret@host` as `nats://host`."""
    return _CREDENTIALS.sub("", text) if "@" in text else text
