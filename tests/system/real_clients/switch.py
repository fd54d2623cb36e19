"""A switch for TCP connections: what a load balancer in front of the gateways does."""

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Self

#: How many of the bytes on their way to the client still go there; fewer than there are: it is cut after them.
Aborted = Callable[[bytes], int]


class Switch:
    """Takes connections on `port` and passes each on to the first of `targets` that answers.

    `cut`, while it is set, is shown all that one connection has sent to its client, with what comes next, and
    says how much of it may pass.
    """

    def __init__(self, targets: list[int], *, cut: Aborted | None = None) -> None:
        self._targets, self.cut = targets, cut
        self._open: set[asyncio.Task[None]] = set()
        #: Connections so far.
        self.taken = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for connection in self._open:
            connection.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.taken += 1
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._join(reader, writer)
        finally:
            self._open.discard(task)
            writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for port in self._targets:
            with contextlib.suppress(ConnectionRefusedError):
                there, back = await asyncio.open_connection("127.0.0.1", port)
                break
        else:
            return
        up = asyncio.create_task(_pass(reader, back))
        down = asyncio.create_task(_pass(there, writer, self.cut))
        try:
            await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
            back.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: Aborted | None = None) -> None:
    sent = b""
    while data := await reader.read(64 * 1024):
        if cut is not None:
            allowed = cut(sent + data)
            if allowed < len(sent + data):
                writer.write((sent + data)[len(sent) : allowed])
                await writer.drain()
                return
            sent += data
        writer.write(data)
        await writer.drain()
