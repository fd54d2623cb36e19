"""A bounded pool of warm child processes in which untrusted mathematics runs.

run() ──▶ an idle worker ──▶ one line of JSON each way ──▶ result, or
              ▲                                            SandboxError
              └── replaced in the background when it was killed, crashed or has served its calls

SandboxError
├── SandboxRefused    the function found its input at fault (its text is for the model)
├── SandboxExhausted  time, memory or output went beyond a limit
└── SandboxBroken     the child process failed for no reason known, or cannot be started
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from penstock.tools.worker_process import Reply, WorkerProcess


class SandboxError(Exception):
    """The call has no result; `str(error)` says why in words a model can use."""


class SandboxRefused(SandboxError):
    pass


class SandboxExhausted(SandboxError):
    pass


class SandboxBroken(SandboxError):
    pass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one call may use. Start-up (half a second or so) does not count."""

    seconds: float = 2.0
    cpu_seconds: int = 3
    memory_bytes: int = 512 * 1024 * 1024
    calls_per_worker: int = 500
    start_seconds: float = 30.0


class Sandbox:
    """Runs named functions of `penstock.tools.worker` in at most `size` children; waits when all are busy.

    Children start with the first call or with `start()`. Bound to the event loop of its first use. A call that is
    cancelled costs its child, not the pool. `aclose()` leaves no process behind; `async with` calls it.
    """

    def __init__(self, *, size: int = 2, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._workers = [WorkerProcess(self._limits.memory_bytes, self._limits.cpu_seconds) for _ in range(size)]
        self._idle: asyncio.LifoQueue[WorkerProcess] = asyncio.LifoQueue()
        for worker in self._workers:
            self._idle.put_nowait(worker)
        self._replacements: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def processes(self) -> tuple[int, ...]:
        """The ids of the living children."""
        return tuple(worker.pid for worker in self._workers if worker.pid is not None)

    async def start(self) -> None:
        """Warms every child, so that not even the first call waits."""
        await asyncio.gather(*(self._ready(worker) for worker in self._workers))

    async def run(self, function_name: str, payload: Mapping[str, Any]) -> Any:
        """The JSON value that the function returns for the payload. Raises SandboxError."""
        worker = await self._idle.get()
        usable = False
        try:
            if self._closed:
                raise SandboxBroken("the sandbox is closed")
            await self._ready(worker)
            reply = await self._answer(worker, function_name, payload)
            usable = worker.alive and reply.exhausted is None and worker.calls < self._limits.calls_per_worker
        finally:
            self._give_back(worker, usable=usable)
        if reply.refusal is not None:
            raise SandboxRefused(reply.refusal)
        if reply.exhausted is not None:
            raise SandboxExhausted(reply.exhausted)
        return reply.result

    async def aclose(self) -> None:
        """Ends every child. Calls under way fail with SandboxBroken."""
        self._closed = True
        for task in self._replacements:
            task.cancel()
        await asyncio.gather(*self._replacements, return_exceptions=True)
        await asyncio.gather(*(worker.kill() for worker in self._workers))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _ready(self, worker: WorkerProcess) -> None:
        try:
            async with asyncio.timeout(self._limits.start_seconds):
                await worker.start()
        except (OSError, EOFError, TimeoutError) as problem:
            await worker.kill()
            raise SandboxBroken(f"the sandbox process cannot be started: {problem or type(problem).__name__}") from None

    async def _answer(self, worker: WorkerProcess, function_name: str, payload: Mapping[str, Any]) -> Reply:
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await worker.call(function_name, payload)
        except TimeoutError:
            seconds = f"{self._limits.seconds:g} seconds"
            raise SandboxExhausted(f"took longer than {seconds} and was stopped; use a simpler expression") from None
        except (OSError, EOFError, ValueError):
            if self._closed:
                raise SandboxBroken("the sandbox was closed during the call") from None
            code = await worker.kill()
            if worker.was_killed_by_limit(code):
                raise SandboxExhausted("used too much computing time or memory; use a smaller expression") from None
            raise SandboxBroken(f"the sandbox process ended unexpectedly (exit code {code})") from None

    def _give_back(self, worker: WorkerProcess, *, usable: bool) -> None:
        if usable or self._closed:
            self._idle.put_nowait(worker)
            return
        task = asyncio.create_task(self._replace(worker))
        self._replacements.add(task)
        task.add_done_callback(self._replacements.discard)

    async def _replace(self, worker: WorkerProcess) -> None:
        """The slot comes back even if the new process does not start: the next call then tries again."""
        try:
            await worker.kill()
            await self._ready(worker)
        except SandboxBroken:
            pass
        finally:
            self._idle.put_nowait(worker)
