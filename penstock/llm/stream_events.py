"""The body of a stream, cut into the JSON texts that it carries."""

import re
from collections.abc import Iterator

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_OTHER_FIELDS = (":", "event:", "id:", "retry:")


class Events:
    """Reads server-sent events: of any line ends, cut anywhere. Bytes that are not UTF-8 become U+FFFD.

    What is no field of an event is taken as the SDK does, as JSON over some lines: so some servers tell of an error.
    """

    def __init__(self) -> None:
        self._begun: list[bytes] = []
        self._data: list[str] = []
        self._bare: list[str] = []
        self._depth = 0

    def read(self, received: bytes) -> Iterator[str]:
        """The texts that are complete now."""
        # A CR at the end may be half of a line's end.
        if b"\n" in received or b"\r" in received or (self._begun and self._begun[-1].endswith(b"\r")):
            lines = b"".join((*self._begun, received)).splitlines(keepends=True)
            self._begun = [lines.pop()] if not lines[-1].endswith(b"\n") else []
            for line in lines:
                yield from self._take(line)
        elif received:
            self._begun.append(received)

    def end(self) -> Iterator[str]:
        """What there is when nothing more comes, whole or not."""
        if self._begun:
            yield from self._take(b"".join(self._begun))
        if self._bare:
            yield "".join(self._bare)
        if self._data:
            yield "\n".join(self._data)

    def _take(self, ended: bytes) -> Iterator[str]:
        line = ended.rstrip(b"\r\n").decode(errors="replace")
        if not line:
            if self._data:
                yield "\n".join(self._data)
                self._data = []
        elif line.startswith("data:"):
            self._data.append(line[6:] if line.startswith("data: ") else line[5:])
        elif self._bare or not line.startswith(_OTHER_FIELDS):
            self._bare.append(line)
            text = _STRING.sub("", line)
            self._depth += text.count("{") - text.count("}")
            if self._depth == 0:
                yield "".join(self._bare)
                self._bare = []
