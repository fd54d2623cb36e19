"""`/livez`, `/readyz` and `/metrics`: the same for every service."""

from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

Endpoint = Callable[[], Awaitable[Response]]


def endpoints(trouble: Callable[[], str | None], registry: CollectorRegistry) -> dict[str, Endpoint]:
    """Path -> what answers it."""

    async def livez() -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n")

    async def readyz() -> Response:
        """Connected to NATS, with the right time, and not going down."""
        why = trouble()
        return PlainTextResponse("ready\n") if why is None else PlainTextResponse(f"not ready: {why}\n", 503)

    async def metrics() -> Response:
        """What this replica counts, in the format of Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return {"/livez": livez, "/readyz": readyz, "/metrics": metrics}


def as_asgi(endpoint: Endpoint) -> ASGIApp:
    """For servers that route to ASGI applications (FastStream's)."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await endpoint()
        await response(scope, receive, send)

    return app
