"""Bytes to a gateway process, as no HTTP client would send them."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.support.patience import PATIENCE
from tests.support.replica import Replica

GET, POST = b"GET /patterns HTTP/1.1\r\nHost: localhost\r\n", b"POST /routing HTTP/1.1\r\nHost: localhost\r\n"
JSON = b"Content-Type: application/json\r\n"
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
Start = Callable[..., Awaitable[Replica]]


async def say(replica: Replica, *pieces: bytes) -> bytes:
    """All that is answered until the connection ends; `pieces` are sent meanwhile, as far as they are taken."""
    reader, writer = await asyncio.open_connection("127.0.0.1", replica.port)

    async def send() -> None:
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass

    sending = asyncio.create_task(send())
    try:
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    finally:
        sending.cancel()
        await asyncio.wait([sending])
        writer.close()
