"""Sending one POST to a URL that an untrusted caller has named.

httpcore2 instead of httpx2: it follows no redirects, reads no proxies from the environment, and has a
documented interface for its network. A name is resolved here, once; all its addresses are checked; and
the connection is made to one of them, so a name that resolves differently the second time (DNS
rebinding) gains nothing. TLS still asks for and verifies the host in the URL.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache, cached_property
from typing import Any

import httpcore2
import httpx2

from penstock.backoff import retry_after
from penstock.settings import Webhooks
from penstock.webhooks.addresses import permitted
from penstock.webhooks.resolver import Address, Resolver

#: The certificates this machine trusts; to read them takes 40 ms.
_certificates = cache(httpx2.create_ssl_context)

_FAILURES = httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError

Resolve = Callable[[str, int], Awaitable[list[Address]]]


class Undelivered(Exception):
    """No answer came, or not the one wanted. The text names no path or query of the URL.

    `retry_after`: seconds asked for by the other side, if it said so.
    """

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Forbidden(Exception):
    """The host leads to an address that the policy does not permit."""


class Transport:
    """Any number of requests at once; connections are not kept."""

    def __init__(
        self, settings: Webhooks, *, resolve: Resolve | None = None, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._timeout, self._ssl_context = settings.webhook_timeout, ssl_context
        self._network = _Guarded(settings, resolve or Resolver(settings.webhook_slots))

    @cached_property
    def _pool(self) -> httpcore2.AsyncConnectionPool:
        """Made for the first webhook: most processes send none, and the certificates take 3 MB."""
        return httpcore2.AsyncConnectionPool(
            ssl_context=self._ssl_context or _certificates(),
            max_connections=None,
            max_keepalive_connections=0,
            network_backend=self._network,
        )

    async def post(self, url: httpx2.URL, headers: Mapping[str, str], body: bytes) -> tuple[int, float | None]:
        """One POST, within the time-out from name resolution to the answer's headers; its body is not read.

        Returns the answer's status, and its Retry-After in seconds.
        Raises Forbidden before anything is sent, Undelivered when no answer came.
        """
        target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        sent = [("host", url.netloc.decode("ascii")), *headers.items()]
        limits = {"timeout": {"connect": self._timeout}}
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._pool.stream("POST", target, headers=sent, content=body, extensions=limits) as response,
            ):
                return response.status, retry_after(httpx2.Headers(response.headers).get("retry-after", ""))
        except TimeoutError:
            raise Undelivered(f"no answer within {self._timeout:g} s") from None
        except (*_FAILURES, OSError, ValueError) as error:
            raise Undelivered(type(error).__name__) from error

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Guarded(httpcore2.AsyncNetworkBackend):
    """Connects only to addresses that it has resolved and checked itself."""

    def __init__(self, settings: Webhooks, resolve: Resolve) -> None:
        self._settings, self._resolve = settings, resolve
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        addresses = await self._resolve(host, port)
        # one forbidden address is enough: no honest receiver's name leads to a public and a private address at once
        for address in addresses:
            if not permitted(host, port, address, self._settings):
                raise Forbidden(f"{host} leads to {address}, which webhooks may not reach at port {port}")
        last: Exception = OSError(f"{host} has no address")
        for address in addresses:
            share = timeout / len(addresses) if timeout else None
            try:
                return await self._network.connect_tcp(str(address), port, share, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise last
