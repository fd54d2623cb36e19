"""Requests that begin or move on a job, by caller: so many in so long, and so many jobs at once.

What only reads, or ends a job, has no limit. Who has a key is limited by the key, others by their address, but not this
machine's own: who tries things out never meets a limit.
"""

import logging
from ipaddress import IPv6Address, ip_address, ip_network

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.callers.rate import Rate, Standing
from penstock.errors import BusUnavailable, Refused
from penstock_gateway.authentication import Asking
from penstock_gateway.state import Gateway

log = logging.getLogger(__name__)

#: Bits of an IPv6 address that one household, or one machine, has all the others of.
_SITE = 64


class CallerRate:
    """A dependency of the routes with a limit: lets the request through, and has its answer say how its caller stands.

    Raises Refused("rate_limited"), or BusUnavailable where that cannot be known.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway, self._settings = gateway, gateway.settings

    async def __call__(self, request: Request, caller: Asking) -> None:
        name = f"key={caller.key}" if caller.key else address_of(request)
        rate = Rate.of(caller.limits.rate or self._settings.rate_limit, caller.limits.burst)
        if name is None or rate is None:
            return
        try:
            standing = await self._gateway.rates.take(name, rate)
        except BusUnavailable:
            if not self._settings.limits_open:
                raise
            log.warning("a request is served although its caller's rate is not known")
            return
        request.state.standing = standing
        if not standing.admitted:
            served = f"{rate.requests} requests in {rate.seconds:g} s are served"
            raise Refused("rate_limited", f"{served}; send it again in {standing.wait} s")


def address_of(request: Request) -> str | None:
    """The caller's address as one token of a subject; None for this machine's own.

    What came through a proxy that is not trusted has the proxy's address: if that is this machine's, it counts.
    """
    try:
        address = ip_address(request.client.host if request.client else "")
    except ValueError:
        return "address=unknown"
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_loopback and "x-forwarded-for" not in request.headers:
        return None
    if isinstance(address, IPv6Address):
        address = ip_network((address, _SITE), strict=False).network_address
    return f"address={address.packed.hex()}"


class TellStanding:
    """ASGI middleware: the headers of whatever is answered to a request that a limit applies to."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            standing = scope.get("state", {}).get("standing")
            if message["type"] == "http.response.start" and isinstance(standing, Standing):
                MutableHeaders(scope=message).update(standing.headers())
            await send(message)

        await self._app(scope, receive, told)
