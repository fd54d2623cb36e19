"""Serves a simulator: in this process for tests, or as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn

from penstock.simulator.app import build
from penstock.simulator.config import Config


class Server(uvicorn.Server):
    """A uvicorn server that says when it listens and, when it stops, drops the calls under way."""

    def __init__(self, config: Config, ready: Callable[[], None]) -> None:
        settings = uvicorn.Config(
            build(config),
            lifespan="off",
            log_config=None,
            access_log=False,
            log_level="critical",
            timeout_keep_alive=600,
            server_header=False,
            backlog=4096,
        )
        super().__init__(settings)
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


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one. Raises OSError if the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def url_of(listener: socket.socket) -> str:
    """The base URL under which a listener is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.asynccontextmanager
async def serving(config: Config | None = None, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serves a simulator in the running event loop and gives its base URL."""
    with listen(host, port) as listener:
        ready = asyncio.Event()
        server = Server(config or Config(), ready.set)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await ready.wait()
            yield url_of(listener)
        finally:
            server.should_exit = True
            await task
