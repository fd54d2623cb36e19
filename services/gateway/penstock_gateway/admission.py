"""What is turned away before it reaches a route: everything while draining, and headers beyond measure."""

from starlette.types import ASGIApp, Receive, Scope, Send

from penstock_gateway.problems import Refused, response
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
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await response(refused.problem, refused.headers)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refused | None:
        if self._gateway.draining.is_set() and not scope["path"].startswith(_ALWAYS):
            headers = {"Retry-After": "1", "Connection": "close"}
            return Refused(503, "draining", "This replica is going down", "try again: another one answers", headers)
        if sum(len(name) + len(value) for name, value in scope["headers"]) > _MAX_HEADERS:
            detail = f"all headers together may have {_MAX_HEADERS} bytes"
            return Refused(431, "headers_too_large", "The headers are too large", detail, {"Connection": "close"})
        return None
