"""aiohttp beneath httpx2: it parses in C, and asks no idle connection whether it is alive. Half the CPU of a call."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from ssl import SSLContext

import aiohttp
import httpx2

_ERRORS: tuple[tuple[type[aiohttp.ClientError], type[httpx2.TransportError]], ...] = (
    (aiohttp.ServerTimeoutError, httpx2.ConnectTimeout),
    (aiohttp.ClientConnectorError, httpx2.ConnectError),
    (aiohttp.ClientError, httpx2.RemoteProtocolError),
)


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """To be used in one event loop. Of a request's time-outs it keeps the one for connecting. It knows no proxies."""

    def __init__(self, ssl: SSLContext, *, connections: int, keepalive: float) -> None:
        """`connections`: at the same time. `keepalive`: seconds that an idle one is kept."""
        self._ssl, self._connections, self._keepalive = ssl, connections, keepalive
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._session is None:  # which needs the loop
            connector = aiohttp.TCPConnector(ssl=self._ssl, limit=self._connections, keepalive_timeout=self._keepalive)
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )
        with _as_httpx2():
            response = await self._session.request(
                request.method,
                str(request.url),
                headers=request.headers.multi_items(),
                data=request.content,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(sock_connect=request.extensions["timeout"]["connect"]),
            )
        return httpx2.Response(response.status, headers=response.raw_headers, stream=_Body(response))

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        with _as_httpx2():
            async for received in self._response.content.iter_any():
                yield received

    async def aclose(self) -> None:
        """Closes the connection, unless all was read and another call may have it."""
        self._response.close()


@contextmanager
def _as_httpx2() -> Iterator[None]:
    try:
        yield
    except aiohttp.ClientError as error:
        raise next(ours for theirs, ours in _ERRORS if isinstance(error, theirs))(str(error)) from error
