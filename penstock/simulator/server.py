"""Serves a simulator in the running event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn

from penstock.simulator.app import build
from penstock.simulator.delivery import Pace


class _Server(uvicorn.Server):
    """A uvicorn server that, when it stops, drops the calls under way."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends also what is held or hangs."""
        for task in list(self.server_state.tasks):
            task.cancel()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to whoever runs the server."""
        yield


@contextlib.asynccontextmanager
async def serving(pace: Pace | None = None, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Gives the base URL. Port 0 takes a free one, no pace is no delay. Raises OSError if the address is taken.

    The socket listens from the start: whoever connects before the server runs waits for it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=4096) as listener:
        settings = uvicorn.Config(
            build(pace or Pace()),
            lifespan="off",
            log_config=None,
            access_log=False,
            log_level="critical",
            timeout_keep_alive=600,
            server_header=False,
            backlog=4096,
        )
        server = _Server(settings)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        address, number = listener.getsockname()[:2]
        try:
            yield f"http://[{address}]:{number}" if ":" in host else f"http://{address}:{number}"
        finally:
            server.should_exit = True
            await task
