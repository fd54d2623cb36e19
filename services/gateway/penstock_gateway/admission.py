"""What is turned away before it reaches a route: everything while draining, and too many bytes of headers."""

from starlette.types import ASGIApp, Receive, Scope, Send

from penstock.errors import Refused
from penstock_gateway.problems import response
from penstock_gateway.state import Gateway

#: Bytes of all headers together.
_MAX_HEADERS = 64 * 1024
#: Served to the very end.
_ALWAYS = ("/livez", "/readyz", "/metrics")


class Admission:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app, self._gateway = app, gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refusal(scope) if scope["type"] == "http" else None
        await (response(refused.problem()) if refused else self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refused | None:
        if self._gateway.draining.is_set() and not scope["path"].startswith(_ALWAYS):
            return Refused("draining", "try again: another replica answers")
        if sum(len(name) + len(value) for name, value in scope["headers"]) > _MAX_HEADERS:
            return Refused("headers_too_large", f"all headers together may have {_MAX_HEADERS} bytes")
        return None
