"""Serving an ASGI application as a process: the same for every service."""

import asyncio
import gc
import logging
import os
import re
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from penstock import tracing
from penstock.errors import Misconfigured
from penstock.hosting import http_connection, logs, ports
from penstock.settings import Settings, unknown_variables

log = logging.getLogger(__name__)

#: New objects after which Python looks for cycles among them, by default 700: what a step or a job leaves is freed
#: without. Looking took 9 % of a worker's CPU, and now takes 1 to 2.
_COLLECTED = 5_000


class Server(uvicorn.Server):
    """Prints `<name> ready http://host:port` once it serves, and calls `draining` when a signal ends it."""

    def __init__(self, config: uvicorn.Config, name: str, draining: Callable[[], None]) -> None:
        super().__init__(config)
        self._name, self._draining = name, draining
        self._starting: asyncio.Task[None] | None = None
        #: Whether a signal ended it before it served.
        self.interrupted = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self.interrupted:
            return
        self._starting = asyncio.ensure_future(super().startup(sockets))
        try:
            await self._starting
        except asyncio.CancelledError:
            if not self.interrupted:
                raise
            return
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            print(f"{self._name} ready http://{host}:{port}", flush=True)  # noqa: T201

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._draining()
        super().handle_exit(sig, frame)
        if not self.started:
            # a service that waits for NATS would wait on
            self.interrupted = True
            if self._starting is not None:
                self._starting.get_loop().call_soon_threadsafe(self._starting.cancel)

    def without_traceback(self, record: logging.LogRecord) -> bool:
        """A filter for uvicorn's log, which has a traceback for each application that could not start.

        For a wrong setting its sentence is enough; of a signal there is nothing to say.
        """
        if found := re.search(r"^penstock\.errors\.Misconfigured: (.*)", record.getMessage(), re.MULTILINE):
            record.msg, record.args = found[1], ()
        return not self.interrupted


def configured(app: Any, settings: Settings, port: int) -> uvicorn.Config:
    """How every service is served over HTTP."""
    http: Any = http_connection.protocol(settings)
    return uvicorn.Config(
        app,
        host=settings.host,
        port=port,
        http=http,
        ws="none",
        headers=[("X-Content-Type-Options", "nosniff")],
        log_config=None,
        access_log=False,
        lifespan="on",
        forwarded_allow_ips=[str(network) for network in settings.trusted_proxies],
        timeout_graceful_shutdown=int(settings.grace) + 5,
    )


def serve(
    build: Callable[[], Any],
    settings: Settings,
    name: str,
    *,
    port: int = 0,
    draining: Callable[[], None] = lambda: None,
) -> None:
    """Build and serve an application until SIGTERM or SIGINT, then let it finish.

    Exits with a status above 0 if it cannot start.
    """
    # before uvicorn takes the signals there is nothing to finish; when all is done it raises them again
    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, lambda *_: sys.exit())
    logs.configure(settings, name)
    for sentence in unknown_variables(os.environ):
        log.warning(sentence)
    port = port if settings.port is None else settings.port
    try:
        tracing.configure(name, contents=settings.trace_contents)
        ports.refuse_taken(settings.host, port, named=("PENSTOCK_HOST", "PENSTOCK_PORT"))
        server = Server(configured(build(), settings, port), name, draining)
        # What is loaded now stays: no collection needs to look at it again (140,000 objects, 3 % of a worker's CPU).
        gc.collect()
        gc.freeze()
        gc.set_threshold(_COLLECTED)
        logging.getLogger("uvicorn.error").addFilter(server.without_traceback)
        server.run()
    except Misconfigured as error:
        sys.exit(f"{name}: {error}")
    finally:
        tracing.shutdown()
    if not server.started and not server.interrupted:
        sys.exit(1)
