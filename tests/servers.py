"""Servers for tests: a nats-server of a test's own, and a simulator that all tests share."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from penstock.local import nats_server
from simulator.server import serving


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
        await self.kill()  # nobody reads its data again

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
        """End it as an operator does."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def kill(self) -> None:
        """End it as a power failure does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


@contextmanager
def simulator_in_thread() -> Iterator[str]:
    """A simulator without any delay, in a thread of its own; its base URL."""
    ready = threading.Event()
    urls: list[str] = []
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        async with serving() as url:
            urls.append(url)
            stop = asyncio.Event()
            loops.append((asyncio.get_running_loop(), stop))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="simulator", daemon=True)
    thread.start()
    assert ready.wait(20), "the simulator does not start"
    try:
        yield urls[0]
    finally:
        loop, stop = loops[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
