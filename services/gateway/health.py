"""`/livez`: the process answers. `/readyz`: it may be sent requests."""

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from services.gateway.state import Gateway


def install(app: FastAPI, gateway: Gateway) -> None:
    @app.get("/livez", tags=["health"], operation_id="livez", response_class=PlainTextResponse)
    async def livez() -> str:
        """The process answers."""
        return "ok\n"

    @app.get("/readyz", tags=["health"], operation_id="readyz", response_class=PlainTextResponse)
    async def readyz() -> PlainTextResponse:
        """Connected to NATS, and not going down."""
        return PlainTextResponse("ready\n") if gateway.ready else PlainTextResponse("not ready\n", 503)
