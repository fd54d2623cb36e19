"""What stands for Google: its host over TLS, behind a proxy. It answers as the simulator does, and records keys."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from penstock.simulator.app import build
from penstock.simulator.wire import Pace
from tests.support.certificate import certificate_for

HOST = "generativelanguage.googleapis.com"


@dataclass
class Google:
    """`environment` leads a process to it; `keys`: that of each request."""

    environment: dict[str, str]
    keys: list[str] = field(default_factory=list)


@asynccontextmanager
async def google(folder: Path) -> AsyncIterator[Google]:
    certificate = str(certificate_for(HOST, folder))
    listener = socket.create_server(("127.0.0.1", 0))
    answering = build(Pace())

    async def record(scope: Any, receive: Any, send: Any) -> None:
        seen.keys.append(dict(scope["headers"]).get(b"x-goog-api-key", b"").decode())
        await answering(scope, receive, send)

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        assert asked.startswith(f"CONNECT {HOST}:443 ".encode()), asked
        there, onward = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(_pass_on(reader, onward), _pass_on(there, writer))

    proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    at = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    seen = Google({"HTTPS_PROXY": at, "SSL_CERT_FILE": certificate, "NO_PROXY": "127.0.0.1"})
    config = uvicorn.Config(record, lifespan="off", log_config=None, log_level="critical", ssl_certfile=certificate)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield seen
    finally:
        server.should_exit = server.force_exit = True
        await serving
        proxy.close()
        await proxy.wait_closed()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    writer.close()
