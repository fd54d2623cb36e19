"""One child process: started, started again when it dies, and ended."""

import asyncio
import contextlib
import ctypes
import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from penstock.backoff import delay
from penstock.cancelling import stop
from penstock.errors import Misconfigured

log = logging.getLogger(__name__)

#: Seconds before the first restart, and at most, while a child keeps ending within `_WELL` seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
#: Seconds that it may take to become ready.
_PATIENCE = 60.0
#: A child that ran longer than this is restarted as for the first time.
_WELL = 10.0
#: Seconds between looks at what a child has written that is to become ready.
_LOOK = 0.02
#: What our services write, and what nats-server does.
_READY = re.compile(rb"(?:^\S+ ready|client connections on) (\S+)$", re.MULTILINE)
_PR_SET_PDEATHSIG = 1


@dataclass(eq=False)
class Process:
    """`command` run as a child whose output goes to `log_file`; `name` is for people. `env` is added to ours.

    A child is ready once it has written a line `<word> ready <url>`, or nats-server's that it listens. `url` is the
    one that was written at the first start. What it makes, its log included, is for its user only.
    """

    name: str
    command: Sequence[str]
    _: KW_ONLY
    env: Mapping[str, str]
    log_file: Path
    changed: Callable[[], None] = lambda: None
    url: str | None = field(default=None, init=False)
    _child: asyncio.subprocess.Process | None = field(default=None, init=False)
    _supervision: asyncio.Task[str] | None = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child and self._child.returncode is None else None

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises Misconfigured, with the end of its log, if it ends before."""
        self.log_file.touch(mode=0o600)
        self.log_file.chmod(0o600)
        self._supervision = asyncio.create_task(self._supervise())
        written = b""
        with self.log_file.open("a+b") as output, contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while self.url is None and not self._supervision.done():
                    await asyncio.sleep(_LOOK)
                    written += output.read()
                    if found := _READY.search(written):
                        self.url = found[1].decode()
        if (ended := self._supervision.done()) or self.url is None:
            why = self._supervision.result() if ended else f"was not ready within {_PATIENCE:.0f} s"
            await self.stop(grace=1.0)
            raise Misconfigured(f"{self.name} {why}:\n{written[-2000:].decode(errors='replace')}")

    async def unsupervise(self) -> None:
        """From now on it is not started again, also if it was just about to be."""
        if self._supervision is not None:
            await stop(self._supervision)

    async def stop(self, *, grace: float) -> None:
        """SIGTERM; SIGKILL after `grace` seconds. It is not started again."""
        await self.unsupervise()
        if self._child is not None:
            self.kill(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._child.wait(), grace)
            except TimeoutError:
                log.warning("killed: it did not end in time", extra={"of": self.name})
                self.kill()
                await self._child.wait()
        self.changed()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal, if it runs."""
        if self._child is not None and self._child.returncode is None:
            self._child.send_signal(number)

    async def _supervise(self) -> str:
        """Start it, and again when it dies. Returns, with how it ended, if it was never ready."""
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            with self.log_file.open("ab") as output:
                self._child = await asyncio.create_subprocess_exec(
                    *self.command,
                    env={**os.environ, **self.env},
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    umask=0o077,
                    # a Ctrl-C in the terminal is for us alone; we end the children in order
                    start_new_session=True,
                    preexec_fn=_die_with_parent if sys.platform == "linux" else None,
                )
            self.changed()
            status = await self._child.wait()
            self.changed()
            ending = signal.strsignal(-status) if status < 0 else f"status {status}"
            if self.url is None:
                return f"ended with {ending}"
            failures = 1 if asyncio.get_running_loop().time() - began > _WELL else failures + 1
            pause = delay(failures, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE)
            log.warning("%s died (%s); starting it again in %.1f s", self.name, ending, pause)
            await asyncio.sleep(pause)


def _die_with_parent() -> None:
    """Linux: a child whose supervisor was killed is not left behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
