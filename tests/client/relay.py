"""A TCP relay in front of a server, to lose connections on purpose."""

import asyncio
import contextlib
from typing import Self


class Relay:
    """`async with`: listens on a port of its own and passes everything to `target`, while there is one."""

    def __init__(self, target: int) -> None:
        self.target: int | None = target
        #: Let this many answers be lost: the server gets the request, then the connection ends.
        self.swallow = 0
        #: Connections stay open while one is cleared, and nothing passes that way: the network between is gone.
        self.requests_pass, self.answers_pass = asyncio.Event(), asyncio.Event()
        self.pass_all()
        #: Seconds that each piece takes, in each direction.
        self.delay = 0.0
        self._lines: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self.cut()

    def pass_all(self) -> None:
        self.requests_pass.set()
        self.answers_pass.set()

    def pass_nothing(self) -> None:
        self.requests_pass.clear()
        self.answers_pass.clear()

    async def cut(self) -> None:
        """End all connections there are, as a killed process does."""
        for line in list(self._lines):
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line is not None
        self._lines.add(line)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            if self.target is not None:
                await self._relay(self.target, reader, writer)
        writer.close()
        self._lines.discard(line)

    async def _relay(self, target: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inward, outward = await asyncio.open_connection("127.0.0.1", target)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, outward, self.requests_pass))
                both.create_task(self._answer(inward, writer))
        except* OSError:
            pass
        finally:
            outward.close()

    async def _answer(self, inward: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.swallow:
            self.swallow -= 1
            await inward.read(1)
            raise ConnectionResetError
        await self._pump(inward, writer, self.answers_pass)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passes: asyncio.Event) -> None:
        """Until one side closes: then both are, or the other would be left with a connection to nobody."""
        while piece := await reader.read(65_536):
            await asyncio.sleep(self.delay)
            await passes.wait()
            writer.write(self.passed(piece))
            await writer.drain()
        raise ConnectionResetError

    def passed(self, piece: bytes) -> bytes:
        """What is passed on of a piece, in either direction."""
        return piece
