"""Gateways for tests: as uvicorn serves them, in this process, on free ports."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from penstock_gateway.service import build

from penstock.hosting.server import configured
from penstock.settings import Settings
from tests.support.patience import PATIENCE


class GatewayServer:
    """One replica. `drain` is what SIGTERM does to it."""

    def __init__(self, server: "_Server", draining: asyncio.Event, http: httpx.AsyncClient) -> None:
        self._server, self._draining, self.http = server, draining, http
        self.url = str(http.base_url)

    @property
    def port(self) -> int:
        port: int = self._server.servers[0].sockets[0].getsockname()[1]
        return port

    def begin_draining(self) -> None:
        """As at SIGTERM, but that the server itself goes on listening."""
        self._draining.set()

    def drain(self) -> None:
        self._draining.set()
        self._server.should_exit = True


@asynccontextmanager
async def serving_gateway(settings: Settings) -> AsyncIterator[GatewayServer]:
    """A gateway from its start until it is drained or the block ends, with an HTTP client of its own."""
    draining = asyncio.Event()
    started = asyncio.Event()
    server = _Server(configured(build(settings, draining), settings, 0), started)
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    starting = asyncio.create_task(started.wait())
    await asyncio.wait((serving, starting), return_when=asyncio.FIRST_COMPLETED)
    starting.cancel()
    assert started.is_set(), "the gateway did not start"
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False) as http:
            yield GatewayServer(server, draining, http)
    finally:
        draining.set()
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, begun: asyncio.Event) -> None:
        super().__init__(config)
        self._begun = begun

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._begun.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
