"""`/livez`: the process answers. `/readyz`: it may be sent requests. `/metrics`: what it counts."""

from typing import Any

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from penstock.hosting.health import endpoints
from penstock_gateway.metrics import Metrics
from penstock_gateway.state import Gateway

_RESPONSES: dict[str, dict[int | str, dict[str, Any]]] = {
    "/readyz": {
        503: {"description": "Not connected to NATS, a clock that is wrong, or going down; the text says which."}
    }
}


def install(app: FastAPI, gateway: Gateway, metrics: Metrics) -> None:
    for path, endpoint in endpoints(gateway.trouble, metrics.registry).items():
        app.get(
            path,
            tags=["health"],
            operation_id=path.removeprefix("/"),
            response_class=PlainTextResponse,
            responses=_RESPONSES.get(path),
        )(endpoint)
