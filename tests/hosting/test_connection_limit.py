"""Which connection gives way to a new one where there are as many as there may be."""

import asyncio

import uvicorn
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from penstock.hosting.server import configured
from penstock.settings import Settings
from tests.support.patience import PATIENCE

SIZE = 24_000_000


async def test_an_answer_on_its_way_to_a_slow_reader_is_not_cut() -> None:
    """All of it is written, and most of it still waits in the server."""
    written = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        large = scope["path"] == "/"
        await Response(b"x" * (SIZE if large else 1))(scope, receive, send)
        if large:
            written.set()

    config = configured(app, Settings(max_connections=1), 0)
    config.lifespan = "off"
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE):
        while not server.started:
            await asyncio.sleep(0)
        port = server.servers[0].sockets[0].getsockname()[1]
        slow, slow_writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        slow_writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await slow.readuntil(b"\r\n\r\n")
        await written.wait()
        new, new_writer = await asyncio.open_connection("127.0.0.1", port)
        new_writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in await new.readline()
        await slow.readexactly(SIZE)
        for writer in (slow_writer, new_writer):
            writer.close()
            await writer.wait_closed()
        server.should_exit = True
        await serving
