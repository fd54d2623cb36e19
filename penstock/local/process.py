"""One child process: started, watched, started again when it dies, and ended."""

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from penstock.errors import Misconfigured

log = logging.getLogger(__name__)

#: Seconds before the first restart; doubles up to the second number while a child keeps dying young.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
#: A child that lived longer than this was well: its next restart is quick again.
_WELL = 10.0
_PR_SET_PDEATHSIG = 1


class Process:
    """`command` run as a child whose output goes to `log_file`; `name` is how people know it.

    A child says that it is ready by a line `<word> ready <url>` on its standard output (`ready_line`).
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        log_file: Path,
        ready_line: bool,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.name, self._command, self._env, self._log_file = name, list(command), dict(env), log_file
        self._ready_line, self._changed = ready_line, changed
        self._child: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._stopping = False
        self._ready = asyncio.Event()
        self.url: str | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child and self._child.returncode is None else None

    async def start(self, *, patience: float = 60.0) -> None:
        """Start it and wait until it is ready. Raises Misconfigured, with the end of its log, if it ends before."""
        await self._spawn()
        assert self._child is not None
        ended = asyncio.ensure_future(self._child.wait())
        ready = asyncio.ensure_future(self._ready.wait())
        try:
            await asyncio.wait((ended, ready), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                why = (
                    f"ended with status {ended.result()}" if ended.done() else f"was not ready within {patience:.0f} s"
                )
                await self.stop(grace=1.0)
                raise Misconfigured(f"{self.name} {why}:\n{self._log_tail()}")
        finally:
            ended.cancel()
            ready.cancel()
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def stop(self, *, grace: float) -> None:
        """SIGTERM; SIGKILL after `grace` seconds."""
        self._stopping = True
        if self._watching is not None:
            self._watching.cancel()
        if self._child is None or self._child.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._child.terminate()
        try:
            await asyncio.wait_for(self._child.wait(), grace)
        except TimeoutError:
            log.warning("killed: it did not end in time", extra={"process": self.name})
            with contextlib.suppress(ProcessLookupError):
                self._child.kill()
            await self._child.wait()

    async def _spawn(self) -> None:
        self._ready.clear()
        with self._log_file.open("ab") as output:
            self._child = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if self._ready_line else output,
                stderr=output,
                # a Ctrl-C in the terminal is for us alone; we end the children in order
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        if self._ready_line:
            self._reading = asyncio.get_running_loop().create_task(self._read(self._child))
        else:
            self._ready.set()
        self._changed()

    async def _read(self, child: asyncio.subprocess.Process) -> None:
        assert child.stdout is not None
        async for line in child.stdout:
            words = line.decode(errors="replace").split()
            if len(words) == 3 and words[1] == "ready":
                self.url = words[2]
                self._ready.set()

    async def _watch(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping:
            assert self._child is not None
            loop = asyncio.get_running_loop()
            began = loop.time()
            status = await self._child.wait()
            pause = _FIRST_PAUSE if loop.time() - began > _WELL else min(_LONGEST_PAUSE, pause * 2)
            log.warning("%s died (status %s); starting it again in %.1f s", self.name, status, pause)
            self._changed()
            await asyncio.sleep(pause)
            await self._spawn()

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError):
            return self._log_file.read_text(errors="replace")[-2000:]
        return ""


def _die_with_parent() -> None:
    """Linux: a child whose supervisor was killed is not left behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def environment(**extra: str) -> dict[str, str]:
    """This process's environment with `extra`."""
    return {**os.environ, **extra}
