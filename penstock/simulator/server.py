"""Serves a simulator: as a process, or in the running event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import uvicorn

from penstock.simulator.app import build
from penstock.simulator.wire import Pace


def listening(host: str, port: int) -> tuple[socket.socket, str]:
    """A socket that listens, and its URL: who connects before a server runs waits for it. Port 0 is a free one.

    Raises OSError if the address is taken.
    """
    listener = socket.create_server((host, port), backlog=4096)
    return listener, f"http://{host}:{listener.getsockname()[1]}"


def server(pace: Pace) -> uvicorn.Server:
    """A server that, when it stops, drops what is held or hangs. Idle connections stay: a test may come back to one."""
    config = uvicorn.Config(build(pace), lifespan="off", log_config=None, log_level="critical", backlog=4096)
    config.timeout_keep_alive, config.timeout_graceful_shutdown = 600, 0
    return uvicorn.Server(config)


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """Gives the base URL of a simulator without any delay."""
    listener, url = listening("127.0.0.1", 0)
    running = server(Pace())
    task = asyncio.create_task(running.serve(sockets=[listener]))
    try:
        yield url
    finally:
        running.should_exit = True
        await task
