"""A nats-server for tests."""

import asyncio
import socket
from pathlib import Path

from penstock.local import nats_server


class NatsServer:
    """`async with`: a server on 127.0.0.1 and a free port; it can be stopped and started again on its data."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._port = nats_server.free_port()
        self._process: asyncio.subprocess.Process | None = None
        self.url = f"nats://127.0.0.1:{self._port}"

    async def __aenter__(self) -> "NatsServer":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *nats_server.command(self._data, self._port),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        while not self._listens():
            assert self._process.returncode is None, "nats-server ended at its start"
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0
