"""The parent's end of one child process of the sandbox."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_LONGEST_LINE: Final = 256 * 1024
_LIMIT_SIGNALS: Final = frozenset({signal.SIGXCPU, signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT})


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back: exactly one of the three, `result` being any JSON value."""

    result: Any = None
    refusal: str | None = None
    exhausted: str | None = None


class WorkerProcess:
    """At most one living child at a time; `start` and `kill` may be called in any state."""

    def __init__(self, memory_bytes: int, cpu_seconds: int) -> None:
        self._limits = (str(memory_bytes), str(cpu_seconds))
        self._process: asyncio.subprocess.Process | None = None
        self.calls = 0

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self.alive else None

    async def start(self) -> None:
        """Returns when the child has loaded everything. Raises OSError or EOFError if it does not come up."""
        if self.alive:
            return
        self.calls = 0
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-m", "penstock.tools.worker", *self._limits, str(os.getpid()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"LC_ALL": "C.UTF-8", "PATH": os.defpath},
            limit=_LONGEST_LINE,
            start_new_session=True,
        )  # fmt: skip
        await self._line()

    async def call(self, function_name: str, payload: Mapping[str, Any]) -> Reply:
        """One request, one reply. Raises EOFError or OSError when the child dies, ValueError when it babbles."""
        if self._process is None or self._process.stdin is None:
            raise EOFError("no process")
        self.calls += 1
        self._process.stdin.write(json.dumps({"function": function_name, "payload": dict(payload)}).encode() + b"\n")
        await self._process.stdin.drain()
        return Reply(**json.loads(await self._line()))

    async def kill(self) -> int | None:
        """Ends the child, if there is one, and waits until it is gone; its exit code."""
        process, self._process = self._process, None
        if process is None:
            return None
        if process.returncode is None:
            # A child that was killed by a limit needs a moment until its exit code is known here.
            try:
                if process.stdout is not None and process.stdout.at_eof():
                    async with asyncio.timeout(1):
                        await process.wait()
            except TimeoutError:
                pass
        if process.returncode is None:
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        return await process.wait()

    @staticmethod
    def was_killed_by_limit(code: int | None) -> bool:
        return code is not None and -code in _LIMIT_SIGNALS

    async def _line(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise EOFError("the process has ended")
        return line
