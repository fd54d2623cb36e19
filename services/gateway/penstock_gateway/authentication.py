"""Who asks, before anything is looked for: `Authorization: Bearer <key>`, and who needs none."""

import asyncio
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.callers.caller import Caller
from penstock.callers.keyring import Keyring
from penstock.cancelling import stop
from penstock.errors import BusUnavailable, Misconfigured, Refused
from penstock.jobs.refusals import problem_of
from penstock.loopback import is_loopback
from penstock.settings import Settings
from penstock_gateway import problems
from penstock_gateway.state import Gateway

#: What is the same for everybody: health, and what the interface is.
FOR_ALL = frozenset({"/", "/livez", "/readyz", "/docs", "/openapi.json", "/asyncapi.json"})
_FILES = ("/docs/", "/console/")
#: What a replica counts, of all tenants.
_METRICS = "/metrics"
_KEY = "psk_"
#: The same for a key that is unknown, revoked or expired, however long it takes to find out.
_WRONG = "the key is not valid"
_MISSING = "a key is needed, in the header 'Authorization: Bearer <key>'"


def refuse_unguarded(settings: Settings, keyring: Keyring) -> None:
    """Raises Misconfigured where nobody could be served, or anybody would be without anybody's saying so."""
    at = settings.publish or settings.host
    if settings.open or keyring.has_valid or (settings.open is None and is_loopback(at)):
        return
    why = "PENSTOCK_OPEN=false" if settings.open is False else f"{at} is reached by others"
    raise Misconfigured(
        f"{why}, and there is no valid key: make one with `penstock keys create NAME`, or have everybody served "
        "with PENSTOCK_OPEN=true"
    )


class Authentication:
    """ASGI middleware: `request.state.caller` is who asks; others are answered 401.

    A stream ends, as one whose reader is gone, when its caller's key does.
    """

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app, self._gateway = app, gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path in FOR_ALL or path.startswith(_FILES):
            await self._app(scope, receive, send)
            return
        try:
            caller = self._caller(scope)
            if path == _METRICS and not (caller.admin or self._is_open):
                raise Refused("forbidden", "metrics are of all tenants: an admin's key is needed")
        except (Refused, BusUnavailable) as error:
            await problems.response(problem_of(error))(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        if caller.key is not None:
            receive = _until(self._gateway.keyring.end_of(caller.key), receive)
        await self._app(scope, receive, send)

    @property
    def _is_open(self) -> bool:
        settings, keyring = self._gateway.settings, self._gateway.keyring
        if settings.open is not None:
            return settings.open
        # who has made a key means it to be needed, and does so still when it is revoked
        return is_loopback(settings.publish or settings.host) and keyring.is_empty

    def _caller(self, scope: Scope) -> Caller:
        """Raises Refused, and BusUnavailable where nobody knows."""
        given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
        scheme, _, text = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        text = text.strip()
        # one that serves without keys may stand behind a proxy that has its own
        if self._is_open and not text.startswith(_KEY):
            return Caller()
        if not given:
            raise Refused("unauthorized", _MISSING)
        if scheme.lower() != "bearer" or (key := self._gateway.keyring.find(text)) is None:
            raise Refused("unauthorized", _WRONG)
        return key.caller()


def _until(end: asyncio.Event, receive: Receive) -> Receive:
    """What is received until `end` is set; then that the caller is gone."""

    async def received() -> Message:
        coming, ending = asyncio.ensure_future(receive()), asyncio.ensure_future(end.wait())
        try:
            await asyncio.wait((coming, ending), return_when=asyncio.FIRST_COMPLETED)
            return {"type": "http.disconnect"} if end.is_set() else coming.result()
        finally:
            await stop(coming, ending)

    return received


async def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


#: Who asks, in a route.
Asking = Annotated[Caller, Depends(_caller)]
