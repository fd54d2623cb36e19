"""Tracebacks of patterns and executors, out of the logs of the processes that run them."""

import json
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

from watchfiles import awatch

from penstock.mistakes import own_frames

#: What a service logs, with the traceback, when an author's code raises what is no Failure.
_RAISED = ("a pattern raised", "an executor raised")
#: So many are told within the time.
_MOST = 5
_MILLISECONDS = 200


class Tracebacks:
    """What is written into the logs of a folder from now on, as long as they are lines of JSON.

    Few are told `within` seconds, and the same one once.
    """

    def __init__(self, logs: Path, *, within: float = 10.0) -> None:
        self._logs, self._within = logs, within
        self._read = {file: file.stat().st_size for file in logs.glob("*.log")}
        self._told = deque[tuple[float, str]]()
        self._left_out = 0

    async def __aiter__(self) -> AsyncGenerator[str, None]:
        """Each as a text for people, of whose frames only the author's are left."""
        async for changes in awatch(self._logs, debounce=_MILLISECONDS, recursive=False):
            for path in sorted({Path(path) for _, path in changes}):
                if path.is_file():  # it may be the folder itself, or be gone
                    for text in self._new_in(path):
                        yield text

    def _new_in(self, file: Path) -> Iterator[str]:
        with file.open("rb") as opened:
            opened.seek(self._read.get(file, 0))
            whole, newline, _ = opened.read().rpartition(b"\n")
        self._read[file] = self._read.get(file, 0) + len(whole) + len(newline)
        for line in whole.splitlines():
            if any(raised.encode() in line for raised in _RAISED) and (text := self._told_of(file, line)):
                yield text

    def _told_of(self, file: Path, line: bytes) -> str | None:
        try:
            record = json.loads(line)
            message, exception = record["message"], own_frames(record["exception"])
        except (ValueError, KeyError, TypeError):
            return None
        if not message.startswith(_RAISED):
            return None
        now = time.monotonic()
        while self._told and now - self._told[0][0] > self._within:
            self._told.popleft()
        if len(self._told) == _MOST or any(exception == told for _, told in self._told):
            self._left_out += 1
            return None
        self._told.append((now, exception))
        what = "/".join(str(record[name]) for name in ("pattern", "step") if name in record)
        more = f" ({self._left_out} more before it: {self._logs})" if self._left_out else ""
        self._left_out = 0
        indented = exception.replace("\n", "\n  ")
        return f"{file.stem}: {message}\n  in {what}, job {record.get('job')}{more}\n  {indented}"
