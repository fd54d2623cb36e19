"""A receiver of webhooks: an HTTP server of this process that keeps what it is sent and answers as told."""

import asyncio
import ssl
from collections.abc import Iterable
from dataclasses import dataclass

import h11

from tests.support.patience import PATIENCE


@dataclass(frozen=True)
class Received:
    target: str
    headers: dict[str, str]
    body: bytes
    server_name: str | None


class Receiver:
    """`async with`. `answers`: status and headers for the first request, the second …; the last goes on.

    A status of 0 is no answer at all: the connection stays open until the sender gives up.
    """

    def __init__(
        self,
        *answers: int | tuple[int, Iterable[tuple[str, str]]],
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.answers = list(answers) or [204]
        self.received: list[Received] = []
        self.host, self.port = host, 0
        self._tls = tls
        self._names: list[str | None] = []
        self._arrived = asyncio.Event()
        if tls is not None:
            tls.sni_callback = lambda _, name, __: self._names.append(name)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}/hook?token=very-secret"

    async def __aenter__(self) -> "Receiver":
        self._server = await asyncio.start_server(self._serve, self.host, self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def until(self, count: int) -> list[Received]:
        """What was received, once it is `count` requests."""
        async with asyncio.timeout(PATIENCE):
            while len(self.received) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.received

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request, body = await _read(reader)
            headers = {name.decode().lower(): value.decode() for name, value in request.headers}
            name = self._names[-1] if self._names else None
            self.received.append(Received(request.target.decode(), headers, body, name))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            status, extra = (answer, ()) if isinstance(answer, int) else answer
            self._arrived.set()
            if status == 0:
                await reader.read()
            else:
                lines = "".join(f"{name}: {value}\r\n" for name, value in extra)
                length = "" if status == 204 else "Content-Length: 0\r\n"
                writer.write(f"HTTP/1.1 {status} X\r\n{length}{lines}Connection: close\r\n\r\n".encode())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, h11.RemoteProtocolError):
            pass
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> tuple[h11.Request, bytes]:
    connection, request, body = h11.Connection(h11.SERVER), None, b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65_536))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
        else:
            if request is None:
                raise ConnectionError("no request")
            return request, body
