"""`POST /<pattern>`: submit a job and have its result streamed back. `GET /patterns`: the contracts."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from penstock import jobs
from penstock.engine.handler import parse_request
from penstock.run import Pattern
from services.gateway import body
from services.gateway.formats import JSON_HEADERS, SSE_HEADERS, json_text, server_sent
from services.gateway.state import Gateway
from services.gateway.streaming import GrowingResponse


def install(app: FastAPI, gateway: Gateway) -> None:
    for pattern in gateway.patterns.values():
        app.add_api_route(
            f"/{pattern.name}",
            _submit(gateway, pattern),
            methods=["POST"],
            tags=["patterns"],
            summary=pattern.summary,
            operation_id=pattern.name,
            response_class=Response,
            responses={
                200: {"description": "The result, as it grows.", "model": pattern.result},
                413: {"description": "The body is too large."},
                422: {"description": "The request does not fit; `errors` names the fields."},
            },
            openapi_extra={
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": pattern.request.model_json_schema(by_alias=True),
                            "example": pattern.example.model_dump(mode="json", by_alias=True),
                        }
                    },
                }
            },
        )

    @app.get("/patterns", tags=["patterns"])
    async def patterns() -> dict[str, str]:
        """The patterns there are, each with what it does."""
        return {pattern.name: pattern.summary for pattern in gateway.patterns.values()}

    @app.get("/patterns/{name}", tags=["patterns"])
    async def contract(name: str) -> JSONResponse:
        """A pattern's request and result as JSON Schema."""
        parse_known = gateway.patterns.get(name)
        if parse_known is None:
            parse_request(gateway.patterns, name, b"")
        assert parse_known is not None
        return JSONResponse(
            {
                "name": name,
                "summary": parse_known.summary,
                "request": parse_known.request.model_json_schema(by_alias=True),
                "result": parse_known.result.model_json_schema(by_alias=True, mode="serialization"),
                "example": parse_known.example.model_dump(mode="json", by_alias=True),
            }
        )


def _submit(gateway: Gateway, pattern: Pattern[Any, Any]) -> Callable[[Request], Awaitable[Any]]:
    async def submit(request: Request) -> Any:
        raw = await body.read(request, gateway.settings.max_body)
        asked = parse_request(gateway.patterns, pattern.name, raw)
        job = jobs.new_job_id()
        await jobs.submit(gateway.bus, pattern.name, job, asked.model_dump_json(by_alias=True).encode())
        return stream(gateway, request, pattern.name, job)

    submit.__doc__ = pattern.summary
    return submit


def stream(gateway: Gateway, request: Request, pattern: str, job: str) -> Any:
    """The job's stream in the format that `Accept` asks for: JSON text unless it names text/event-stream."""
    follower = gateway.follow(job)
    headers = {"X-Job-Id": job}
    if "text/event-stream" in request.headers.get("accept", ""):
        return GrowingResponse(server_sent(follower), "text/event-stream", SSE_HEADERS | headers, gateway.draining)
    text = json_text(follower, gateway.shapes[pattern])
    return GrowingResponse(text, "application/json", JSON_HEADERS | headers, gateway.draining)
