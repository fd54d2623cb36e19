"""`/livez`: the process answers. `/readyz`: it may be sent requests. `/metrics`: what it counts."""

from typing import Any

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from penstock_gateway.metrics import Metrics
from penstock_gateway.state import Gateway


def install(app: FastAPI, gateway: Gateway, metrics: Metrics) -> None:
    @app.get("/livez", tags=["health"], operation_id="livez", response_class=PlainTextResponse)
    async def livez() -> str:
        """The process answers."""
        return "ok\n"

    not_ready: dict[int | str, dict[str, Any]] = {503: {"description": "Not connected to NATS, or going down."}}

    @app.get("/readyz", tags=["health"], operation_id="readyz", response_class=PlainTextResponse, responses=not_ready)
    async def readyz() -> PlainTextResponse:
        """Connected to NATS, and not going down."""
        return PlainTextResponse("ready\n") if gateway.ready else PlainTextResponse("not ready\n", 503)

    @app.get("/metrics", tags=["health"], operation_id="metrics", response_class=PlainTextResponse)
    async def shown() -> Response:
        """What this replica counts, in the format of Prometheus."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)
