"""`/livez`, `/readyz` and `/metrics`: the same for every service."""

from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

Endpoint = Callable[[Request], Awaitable[Response]]


def endpoints(trouble: Callable[[], str | None], registry: CollectorRegistry) -> dict[str, Endpoint]:
    """Path -> what answers it."""

    async def livez(_: Request) -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        """Connected to NATS, with the right time, and not going down."""
        why = trouble()
        return PlainTextResponse("ready\n") if why is None else PlainTextResponse(f"not ready: {why}\n", 503)

    async def metrics(_: Request) -> Response:
        """What this replica counts, in the format of Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return {"/livez": livez, "/readyz": readyz, "/metrics": metrics}
