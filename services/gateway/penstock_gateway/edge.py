"""What every request must have before a route is looked for: a host that is served, and no other site behind it.

A page that a browser shows can send requests to any address that its machine reaches, this gateway's on a developer's
machine, too. It cannot read the answers, nor send JSON, unless its own name leads to that address (DNS rebinding): then
the header Host has that name. Pages of origins that a setting names may do both (penstock_gateway.cors).
"""

import re
from collections.abc import Sequence
from ipaddress import IPv6Address

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.errors import Refused
from penstock.loopback import is_loopback
from penstock_gateway import problems

_SAFE = ("GET", "HEAD", "OPTIONS")
_ANY = "*"
#: What clients call by name: letters, digits, `.`, `-` and, in private networks, `_`.
_AUTHORITY = re.compile(r"(\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[0-9A-Za-z._-]*))(:(?P<port>[0-9]{0,5}))?")


def allowed_hosts(configured: Sequence[str], listening: str) -> Sequence[str]:
    """The names to be served: who listens on loopback is asked by its names only, any other may have any."""
    return configured or (("localhost",) if is_loopback(listening) else (_ANY,))


class Edge:
    """ASGI middleware: checks Host and Origin, and answers HEAD as GET without the body."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str], origins: Sequence[str]) -> None:
        self._app, self._hosts, self._origins = app, hosts, origins
        #: A proxy may ask for these by another name.
        self._named = {host for host in hosts if host != _ANY and not is_loopback(host)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif refused := self._refusal(scope):
            await problems.response(refused.problem())(scope, receive, send)
        elif scope["method"] == "HEAD":
            await self._head(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refused | None:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 and (hosts or scope["http_version"] != "1.0"):
            return Refused("bad_request", "one header Host is needed")
        for value in hosts:
            if (host := _name(value)) is None:
                return Refused("bad_request", "the header Host is a name or an address, and perhaps a port")
            if not self._serves(host):
                said = f"{host[:100]!r} is not served here; PENSTOCK_ALLOWED_HOSTS has the names that are"
                return Refused("host_not_allowed", said)
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        for origin in origins if scope["method"] not in _SAFE else ():
            if not self._is_ours(origin, hosts):
                shown = origin.decode("latin-1")[:100]
                said = f"the request comes from a page of {shown!r} (Origin); PENSTOCK_CORS_ORIGINS has those that may"
                return Refused("origin_not_allowed", said)
        return None

    def _is_ours(self, origin: bytes, hosts: Sequence[bytes]) -> bool:
        """Of a page that a setting names, or that is from here; another port is another program."""
        if _ANY in self._origins or origin.decode("latin-1") in self._origins:
            return True
        authority = origin.partition(b"://")[2]
        from_here = bool(authority) and authority.lower() in [host.lower() for host in hosts]
        return from_here or _name(authority) in self._named

    def _serves(self, host: str) -> bool:
        if _ANY in self._hosts or host in self._hosts:
            return True
        # a name in .localhost, or a number, leads nowhere else
        return "localhost" in self._hosts and (host.endswith(".localhost") or is_loopback(host))

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The server sends no body; what would grow ends with its headers."""

        async def heading(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})

        got = {**scope, "method": "GET"}
        await self._app(got, receive, heading)
        scope["route"] = got.get("route")


def _name(authority: bytes) -> str | None:
    """Its host, as PENSTOCK_ALLOWED_HOSTS are compared; "" where there is none, None for what is no host."""
    match = _AUTHORITY.fullmatch(authority.decode("latin-1"))
    if match is None or int(match["port"] or 0) > 65_535:
        return None
    try:
        return str(IPv6Address(match["v6"])) if match["v6"] else match["name"].lower().rstrip(".")
    except ValueError:
        return None
