"""Which request an answer is to: the id it came with, or one that it is given, in each answer's headers.

A request is a span as well, where services trace: of its answer, however long that streams.
"""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock import correlation, tracing

_HEALTH = ("/livez", "/readyz", "/metrics")


class Correlating:
    """ASGI middleware, the outermost. What is answered outside of it has the header by itself (problems.response)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        about = correlation.of_http(scope["headers"])
        correlation.begin(about)  # for the task, which ends with the request

        span = tracing.NOTHING
        if scope["path"] not in _HEALTH:
            asked = {"http.request.method": scope["method"], "url.path": scope["path"], "url.scheme": scope["scheme"]}
            span = tracing.begin(scope["method"], asked, kind="server")
        status: int | None = None

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).setdefault(correlation.REQUEST_ID, about.request or "")
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            route = getattr(scope.get("route"), "path", None)
            answered = {"http.response.status_code": status, "http.route": route}
            name = f"{scope['method']} {route}" if route else None
            span.end(answered, name=name, error=str(status) if (status or 500) >= 500 else None)
