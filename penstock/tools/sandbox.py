"""Where models' mathematics is evaluated: a few child processes with mathjs, one call at a time in each.

run() ──▶ an idle child ──▶ a line of JSON ──▶ a fork of it evaluates, confined ──▶ a line of JSON ──▶ result
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from penstock.depends import Depends
from penstock.errors import Transient
from penstock.installed import require

#: Calls at once in one process.
CHILDREN: Final = 2
#: Expressions are written by hand or by a model; longer ones are mistakes or attacks.
MAX_CHARACTERS: Final = 10_000
_PROGRAM: Final = Path(__file__).with_name("child.py")
_LONGEST_LINE: Final = 512 * 1024
_START_SECONDS: Final = 30.0


class SandboxRefused(Exception):
    """The input is at fault, or went beyond a limit; the text is for the model."""


class SandboxBroken(Transient):
    """A child cannot be started, or failed for no reason known."""

    def __init__(self, detail: str) -> None:
        super().__init__("tool_unavailable", detail)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one call may use. Start-up (a third of a second) does not count."""

    cpu_seconds: float = 2.0
    wall_seconds: float = 8.0
    memory_bytes: int = 128 * 1024 * 1024
    stack_bytes: int = 1024 * 1024


class Sandbox:
    """Runs the tasks of `evaluator.js` in at most `size` children, and waits when all are busy.

    A child starts when a call finds no idle one. A call that is cancelled costs its child.
    Bound to the event loop of its first use. `aclose()` leaves no process behind.
    """

    def __init__(self, *, size: int = CHILDREN, limits: Limits | None = None) -> None:
        self.size, self._limits = size, limits or Limits()
        self._children = [_Child(self._limits) for _ in range(size)]
        #: The child used last comes first: the others start only when there are calls for them.
        self._idle: asyncio.LifoQueue[_Child] = asyncio.LifoQueue()
        for child in self._children:
            self._idle.put_nowait(child)
        self._closed = False

    @property
    def processes(self) -> tuple[int, ...]:
        """The ids of the living children."""
        running = (child.process for child in self._children)
        return tuple(process.pid for process in running if process is not None and process.returncode is None)

    async def run(self, task: str, payload: Mapping[str, Any]) -> Any:
        """The JSON value of the task's result. Raises SandboxRefused, SandboxBroken."""
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


class _Child:
    """At most one living process. Whatever goes wrong ends it, and the next call starts another."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._starting = asyncio.Lock()
        self.process: asyncio.subprocess.Process | None = None

    async def _start(self) -> asyncio.subprocess.Process:
        if self.process is not None and self.process.returncode is None:
            return self.process
        async with self._ended_by_failure("cannot be started", _START_SECONDS):
            async with self._starting:
                # Importing quickjs starts an idle thread, which is no reason to warn of forking (Python 3.12).
                process = self.process = await asyncio.create_subprocess_exec(
                    sys.executable, "-I", "-B", "-W", "ignore::DeprecationWarning",
                    str(_PROGRAM), json.dumps(asdict(self._limits)), str(os.getpid()),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    env={},
                    limit=_LONGEST_LINE,
                    start_new_session=True,
                )  # fmt: skip
            await _line(process)
            return process

    async def call(self, task: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        process = await self._start()
        request = json.dumps({"task": task, "payload": dict(payload)})
        async with self._ended_by_failure("failed", self._limits.wall_seconds + 2):
            assert process.stdin is not None
            process.stdin.write(request.encode() + b"\n")
            reply: dict[str, Any] = json.loads(await _line(process))
            return reply

    async def end(self) -> None:
        """Kills the process, if there is one or one is being started, and waits until it is gone."""
        async with self._starting:
            process, self.process = self.process, None
        if process is not None:
            if process.returncode is None:
                process.kill()
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()

    @asynccontextmanager
    async def _ended_by_failure(self, what: str, seconds: float) -> AsyncIterator[None]:
        """After an exception within, cancellation included, the process could answer late: it is killed."""
        try:
            async with asyncio.timeout(seconds):
                yield
        except BaseException as problem:
            await self.end()
            if isinstance(problem, OSError | EOFError | ValueError):
                raise SandboxBroken(f"the sandbox {what}: {problem or type(problem).__name__}") from None
            raise


async def _line(process: asyncio.subprocess.Process) -> bytes:
    line = await process.stdout.readline() if process.stdout else b""
    if not line.endswith(b"\n"):
        raise EOFError("the process has ended")
    return line


async def _opened() -> AsyncIterator[Sandbox]:
    sandbox = Sandbox()
    try:
        yield sandbox
    finally:
        await sandbox.aclose()


#: A process's own, for the `do` of a tool.
Opened = Annotated[Sandbox, Depends(_opened, check=partial(require, "tools"))]
