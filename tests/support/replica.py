"""A service as a process of its own, to be killed."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from penstock.settings import Settings


class Replica:
    """`penstock serve <kind>`."""

    def __init__(self, kind: str = "gateway") -> None:
        self.kind = kind
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(
        self, settings: Settings, *, heartbeat: float = 15.0, log: Path | None = None, **more: object
    ) -> None:
        """Returns once it serves. `log`: where what it logs goes; `more`: settings of its own."""
        own = {
            "NATS_URL": settings.nats_url,
            "PORT": "0",
            "HEARTBEAT": str(heartbeat),
            "GRACE": "5",
            "LOG_LEVEL": "ERROR",
            **{name.upper(): str(value) for name, value in more.items()},
        }
        with (log or Path(os.devnull)).open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "penstock", "serve", self.kind),
                env={**os.environ, **{f"PENSTOCK_{name}": value for name, value in own.items()}},
                stdout=asyncio.subprocess.PIPE,
                stderr=errors if log else None,
            )
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        assert line.startswith(f"{self.kind} ready".encode()), f"the {self.kind} did not start: {line!r}"
        self.port = int(line.rpartition(b":")[2])

    async def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal and wait for the process to be gone."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(how)
            await self._process.wait()
