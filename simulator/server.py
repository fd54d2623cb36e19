"""Serves a simulator: in this process for tests, or as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn

from simulator.app import build
from simulator.config import Config


class Server(uvicorn.Server):
    """A uvicorn server that says when it listens and, when it stops, drops the calls under way."""

    def __init__(self, config: Config, listener: socket.socket, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                build(config),
                lifespan="off",
                log_config=None,
                access_log=False,
                log_level="critical",
                timeout_keep_alive=600,
                backlog=4096,
                server_header=False,
            )
        )
        self._listener = listener
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens, then says so."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends also what is held or hangs."""
        for task in list(self.server_state.tasks):
            task.cancel()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to whoever runs the server."""
        yield

    async def run_to_end(self) -> None:
        """Serves until `should_exit` is set."""
        await self.serve(sockets=[self._listener])


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one. Raises OSError if the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """The base URL under which a listener is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.asynccontextmanager
async def serving(config: Config | None = None, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serves a simulator in the running event loop and gives its base URL."""
    listener = listen(host, port)
    url = url_of(listener)
    ready = asyncio.Event()
    server = Server(config or Config(), listener, ready.set)
    task = asyncio.create_task(server.run_to_end())
    starting = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait({task, starting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield url
    finally:
        starting.cancel()
        server.should_exit = True
        await task
        listener.close()
