"""Problem details (RFC 9457) for everything the gateway refuses."""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from penstock.contracts.problem import Problem
from penstock.errors import BusUnavailable, Failure

MEDIA_TYPE = "application/problem+json"

_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


class Refused(Exception):
    """An HTTP request that is not served: `code` is stable, as in penstock.errors.CODES."""

    def __init__(self, status: int, code: str, title: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.problem = Problem(type=f"urn:penstock:{code}", title=title, status=status, code=code, detail=detail)
        self.headers = headers


def response(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(
        problem.model_dump(mode="json", by_alias=True), problem.status, headers=headers, media_type=MEDIA_TYPE
    )


def install(app: FastAPI) -> None:
    """Have every error of `app` answered as a problem."""

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> JSONResponse:
        return response(error.problem, error.headers)

    @app.exception_handler(Failure)
    async def failure(_: Request, error: Failure) -> JSONResponse:
        return response(error.problem())

    @app.exception_handler(BusUnavailable)
    async def unavailable(_: Request, error: BusUnavailable) -> JSONResponse:
        problem = Problem(
            type="urn:penstock:bus_unavailable",
            title="The message bus does not answer",
            status=503,
            code="bus_unavailable",
            detail="NATS did not answer in time; try again.",
        )
        return response(problem, {"Retry-After": "5"})

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        code = _CODES.get(error.status_code, "http_error")
        detail = f"{request.method} {request.url.path}: {error.detail}"
        problem = Problem(
            type=f"urn:penstock:{code}",
            title=str(error.detail),
            status=error.status_code,
            code=code,
            detail=detail,
        )
        return response(problem, dict(error.headers) if error.headers else None)
