"""`/asyncapi.json`: what NATS callers read and write, beside `/openapi.json` for HTTP callers."""

import json
from functools import cache

from fastapi import FastAPI, Response

from penstock.nats_api import asyncapi
from penstock_gateway.state import Gateway


def install(app: FastAPI, gateway: Gateway) -> None:
    @cache
    def document() -> bytes:
        return json.dumps(asyncapi.document(gateway.patterns, gateway.settings), ensure_ascii=False).encode()

    @app.get("/asyncapi.json", tags=["patterns"], operation_id="asyncapi")
    async def shown() -> Response:
        """The AsyncAPI 3.0 document of all subjects: jobs, steps, journal, events, and request-reply."""
        return Response(document(), media_type="application/json")
