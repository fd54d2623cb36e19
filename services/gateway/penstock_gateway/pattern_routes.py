"""`POST /<pattern>`: submit a job and have its result. `GET /patterns`: the contracts."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from penstock import jobs
from penstock.errors import Failure
from penstock.pattern import Pattern
from penstock_gateway import answer, chat
from penstock_gateway.negotiation import respond_async
from penstock_gateway.state import Gateway
from penstock_gateway.submission import submit, tenant_of


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
        )
        app.add_api_route(
            f"/{pattern.name}/{{chat:path}}/stream",
            _reconnect(gateway, pattern),
            methods=["GET"],
            tags=["chats"],
            summary="What useChat reconnects to",
            operation_id=f"{pattern.name}-chat",
            response_class=Response,
        )

    @app.get("/patterns", tags=["patterns"], operation_id="patterns")
    async def patterns() -> dict[str, str]:
        """The patterns there are, each with what it does."""
        return {pattern.name: pattern.summary for pattern in gateway.patterns.values()}

    @app.get("/patterns/{name}", tags=["patterns"], operation_id="pattern")
    async def contract(name: str) -> JSONResponse:
        """A pattern's request and result as JSON Schema."""
        pattern = gateway.patterns.get(name)
        if pattern is None:
            known = ", ".join(sorted(gateway.patterns))
            raise Failure("unknown_pattern", f"there is no pattern {name[:100]!r}; there are {known}")
        return JSONResponse(
            {
                "name": name,
                "summary": pattern.summary,
                "request": pattern.request.model_json_schema(by_alias=True),
                "result": pattern.result.model_json_schema(by_alias=True, mode="serialization"),
                "example": pattern.example.model_dump(mode="json", by_alias=True),
            }
        )


def _submit(gateway: Gateway, pattern: Pattern[Any, Any]) -> Callable[[Request], Awaitable[Response]]:
    async def submitted(request: Request) -> Response:
        """The result, as it grows, in the format that `Accept` or `protocol` asks for.

        Closing the connection does not stop the job: follow it again at `/jobs/{X-Job-Id}/stream`.
        """
        accepted = await submit(gateway, pattern, request)
        patience = respond_async(request)
        if patience is not None:
            return await answer.within(gateway, accepted.job, patience, new=accepted.new)
        state = None if accepted.new else await jobs.look_up(gateway.bus, accepted.job)
        return await answer.stream(gateway, request, pattern.name, accepted.job, accepted.format, state=state)

    return submitted


def _reconnect(gateway: Gateway, pattern: Pattern[Any, Any]) -> Callable[[Request], Awaitable[Response]]:
    async def reconnected(request: Request) -> Response:
        """The stream of the chat's latest message from its start; 204 if nothing of the chat is running."""
        job = await chat.job_of(gateway.bus, tenant_of(request), pattern.name, request.path_params["chat"])
        state = await jobs.look_up(gateway.bus, job) if job else None
        if state is None or state.ended:
            return Response(status_code=204)
        return await answer.stream(gateway, request, pattern.name, state.id, "ui-message", state=state)

    return reconnected
