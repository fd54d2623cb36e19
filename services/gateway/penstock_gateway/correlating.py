"""Which request an answer is to: the id it came with, or one that it is given, in each answer's headers."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock import correlation


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

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault(correlation.REQUEST_ID, about.request or "")
            await send(message)

        await self._app(scope, receive, sending)
