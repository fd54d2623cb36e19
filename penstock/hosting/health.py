"""`/livez`, `/readyz` and `/metrics`: the same for every service. The first two name the release in a header."""

from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from penstock.jetstream.releases import signed

Endpoint = Callable[[Request], Awaitable[Response]]


def endpoints(trouble: Callable[[], str | None], registry: CollectorRegistry) -> dict[str, Endpoint]:
    """Path -> what answers it."""

    async def livez(_: Request) -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n", headers=signed())

    async def readyz(_: Request) -> Response:
        """Connected to NATS, with the right time, and not going down."""
        why = trouble()
        said, status = ("ready\n", 200) if why is None else (f"not ready: {why}\n", 503)
        return PlainTextResponse(said, status, headers=signed())

    async def metrics(_: Request) -> Response:
        """What this replica counts, in the format of Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return {"/livez": livez, "/readyz": readyz, "/metrics": metrics}
