"""One part of the result on its way out: what is sent of it, what waits, and how a retry compares."""

import hashlib
import json
from typing import Any, NamedTuple

from penstock.document import strings
from penstock.document.json_text.completion import fingerprint, rest_of
from penstock.errors import Diverged


class _Whole(NamedTuple):
    """What is kept of a part that is out: enough to recognise its text and its value."""

    text: bytes
    value: bytes


class Part:
    """The JSON text of one place. What is out stays out: a retry has to repeat it before it can go on.

    A retry of a part that is partly out is refused at the first difference; of one wholly out at its
    end, since of that only a fingerprint is kept.
    """

    __slots__ = ("_repeat", "_repeated", "_sent", "_waiting", "_whole", "ended", "length", "p", "started", "writer")

    def __init__(self, p: str) -> None:
        self.p = p
        self.writer: str | None = None
        self.started = False  # in the current attempt
        self.ended = False  # in the current attempt
        self.length = 0  # of what is out
        self._sent: list[str] = []
        self._whole: _Whole | None = None  # replaces `_sent` once all is out
        self._waiting: list[str] = []
        self._repeated = 0  # of what is out, the current attempt has confirmed this much
        self._repeat = hashlib.blake2b(digest_size=16)

    @property
    def begun(self) -> bool:
        """Whether there is any text, out or waiting."""
        return bool(self.length or self._waiting)

    @property
    def is_out(self) -> bool:
        """Whether the whole text is."""
        return self._whole is not None

    def opens_with(self, bracket: str) -> bool:
        return bool(self._waiting) and self._waiting[0].startswith(bracket)

    def forget(self) -> None:
        """The current attempt is void."""
        self.started = self.ended = False
        self._waiting.clear()
        self._repeated = 0
        if self._whole is None:
            self._sent = ["".join(self._sent)]
        else:
            self._repeat = hashlib.blake2b(digest_size=16)

    def start(self, writer: str | None) -> None:
        if self.started:
            self.forget()
        self.writer, self.started = writer, True

    def add(self, t: str) -> None:
        if self._repeated < self.length:
            t = self._new(t)
        if t:
            if self._whole is not None:
                raise Diverged(f"a retry makes {self.p} longer than it was")
            self._waiting.append(t)

    def end(self) -> None:
        if self._repeated < self.length:
            raise Diverged(f"a retry makes {self.p} shorter than it was")
        self.ended = True

    def replace(self, t: str) -> None:
        """The whole text at once, from one who knows the value: it need not be spelled as before."""
        self.started, self.writer = True, None
        self._waiting = [strings.escape(t)] if not self.length else [self._rest_of(json.loads(t))]
        self._repeated, self.ended = self.length, True

    def take(self) -> str:
        """What waits goes out."""
        text = ""
        if self._waiting:
            text = "".join(self._waiting)
            self._waiting.clear()
            self._sent.append(text)
            self.length += len(text)
            self._repeated = self.length
        if self.ended and self._whole is None:
            self._keep_fingerprint()
        return text

    def complete(self, value: Any) -> str:
        """What is missing for the part to become `value`."""
        return self._rest_of(value)

    def _new(self, t: str) -> str:
        """What `t` has beyond what is out."""
        again = t[: self.length - self._repeated]
        if self._whole is None:
            same = self._sent[0].startswith(again, self._repeated)
        else:
            self._repeat.update(_bytes(again))
            same = self._repeated + len(again) < self.length or self._repeat.digest() == self._whole.text
        if not same:
            raise Diverged(f"a retry contradicts what is already out of {self.p}")
        self._repeated += len(again)
        return t[len(again) :]

    def _rest_of(self, value: Any) -> str:
        if self._whole is None:
            return rest_of("".join(self._sent), value)
        if fingerprint(value) != self._whole.value:
            raise Diverged(f"{self.p} is out with another value")
        return ""

    def _keep_fingerprint(self) -> None:
        text = "".join(self._sent)
        try:
            value = json.loads(text)
        except ValueError as error:
            raise Diverged(f"{self.p} is out and is not JSON: {error}") from error
        self._sent.clear()
        self._whole = _Whole(hashlib.blake2b(_bytes(text), digest_size=16).digest(), fingerprint(value))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
