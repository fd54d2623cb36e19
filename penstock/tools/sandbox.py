"""Where models' mathematics is evaluated: a few child processes with mathjs, one call at a time in each.

run() ──▶ an idle child ──▶ a line of JSON ──▶ a fork of it evaluates, confined ──▶ a line of JSON ──▶ result

SandboxError
├── SandboxRefused    the input is at fault, or went beyond a limit (the text is for the model)
└── SandboxBroken     a child cannot be started, or failed for no reason known
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

#: Expressions are written by hand or by a model; longer ones are mistakes or attacks.
MAX_CHARACTERS: Final = 10_000
_PROGRAM: Final = Path(__file__).with_name("child.py")
_LONGEST_LINE: Final = 512 * 1024
_START_SECONDS: Final = 30.0


class SandboxError(Exception):
    """The call has no result; `str(error)` says why in words a model can use."""


class SandboxRefused(SandboxError):
    pass


class SandboxBroken(SandboxError):
    pass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one call may use. Start-up (a third of a second) does not count."""

    cpu_seconds: float = 2.0
    wall_seconds: float = 8.0
    memory_bytes: int = 128 * 1024 * 1024
    stack_bytes: int = 1024 * 1024


class Sandbox:
    """Runs the tasks of `evaluator.js` in at most `size` children, and waits when all are busy.

    A child starts when a call finds no idle one, or with `start()`. A call that is cancelled costs its child.
    Bound to the event loop of its first use. `aclose()` leaves no process behind; `async with` calls it.
    """

    def __init__(self, *, size: int = 2, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._children = [_Child(self._limits) for _ in range(size)]
        #: The child used last comes first: the others start only when there are calls for them.
        self._idle: asyncio.LifoQueue[_Child] = asyncio.LifoQueue()
        for child in self._children:
            self._idle.put_nowait(child)
        self._closed = False

    @property
    def processes(self) -> tuple[int, ...]:
        """The ids of the living children."""
        return tuple(child.process.pid for child in self._children if child.process and child.alive)

    async def start(self) -> None:
        """Warms every child, so that not even the first call waits."""
        await asyncio.gather(*(child.start() for child in self._children))

    async def run(self, task: str, payload: Mapping[str, Any]) -> Any:
        """The JSON value of the task's result. Raises SandboxError."""
        child = await self._idle.get()
        try:
            if self._closed:
                raise SandboxBroken("the sandbox is closed")
            reply = await child.call(task, payload)
        finally:
            self._idle.put_nowait(child)
        if "result" not in reply:
            raise SandboxRefused(str(reply.get("refusal")))
        return reply["result"]

    async def aclose(self) -> None:
        """Ends every child. Calls under way fail with SandboxBroken."""
        self._closed = True
        await asyncio.gather(*(child.end() for child in self._children))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class _Child:
    """At most one living process. Whatever goes wrong ends it, and the next call starts another."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.process: asyncio.subprocess.Process | None = None

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def start(self) -> None:
        if self.alive:
            return
        try:
            async with asyncio.timeout(_START_SECONDS):
                # Importing quickjs starts an idle thread, which is no reason to warn of forking (Python 3.12).
                self.process = await asyncio.create_subprocess_exec(
                    sys.executable, "-I", "-B", "-W", "ignore::DeprecationWarning",
                    str(_PROGRAM), json.dumps(asdict(self._limits)), str(os.getpid()),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    env={},
                    limit=_LONGEST_LINE,
                    start_new_session=True,
                )  # fmt: skip
                await self._line()
        except (OSError, EOFError, TimeoutError) as problem:
            await self.end()
            raise SandboxBroken(f"the sandbox cannot be started: {problem or type(problem).__name__}") from None

    async def call(self, task: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        await self.start()
        assert self.process is not None
        assert self.process.stdin is not None
        answered = False
        try:
            async with asyncio.timeout(self._limits.wall_seconds + 2):
                self.process.stdin.write(json.dumps({"task": task, "payload": dict(payload)}).encode() + b"\n")
                reply: dict[str, Any] = json.loads(await self._line())
            answered = True
        except (OSError, EOFError, TimeoutError, ValueError) as problem:
            raise SandboxBroken(f"the sandbox failed: {problem or type(problem).__name__}") from None
        finally:
            if not answered:
                await self.end()
        return reply

    async def end(self) -> None:
        """Kills the process, if there is one, and waits until it is gone."""
        process, self.process = self.process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()

    async def _line(self) -> bytes:
        assert self.process is not None
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        if not line.endswith(b"\n"):
            raise EOFError("the process has ended")
        return line
