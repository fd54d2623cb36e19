"""Problem details (RFC 9457) for everything the gateway refuses."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from nats.js.errors import APIError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from penstock.contracts.problem import FieldError, Problem
from penstock.document import join
from penstock.errors import BusUnavailable, Failure
from penstock.jetstream.bus import UNREACHABLE

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


class Refused(Exception):
    """An HTTP request that is not served: `code` is stable, as in penstock.errors.CODES."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str,
        headers: dict[str, str] | None = None,
        errors: tuple[FieldError, ...] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(
            type=f"urn:penstock:{code}", title=title, status=status, code=code, detail=detail, errors=errors
        )
        self.headers = headers


def invalid_parameter(pointer: str, detail: str) -> Refused:
    """400 for what is wrong outside the body: `pointer` is `/query/<name>`, `/header/<name>` or `/path/<name>`."""
    errors = (FieldError(pointer=pointer, detail=detail),)
    return Refused(400, "invalid_parameter", "A parameter is wrong", f"{pointer}: {detail}", errors=errors)


def unknown_job(job: str) -> Refused:
    detail = f"no job {job[:100]!r}, or it is past its retention"
    return Refused(404, "unknown_job", "There is no such job", detail)


def response(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(
        problem.model_dump(mode="json", by_alias=True), problem.status, headers=headers, media_type=MEDIA_TYPE
    )


def install(app: FastAPI) -> None:
    """Have every error of `app` answered as a problem."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(Failure, _failure)
    app.add_exception_handler(RequestValidationError, _parameters)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)
    for unavailable in (BusUnavailable, APIError, *UNREACHABLE):
        app.add_exception_handler(unavailable, _unavailable)
    app.add_exception_handler(Exception, _unexpected)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return response(error.problem, error.headers)


async def _failure(_: Request, error: Exception) -> Response:
    assert isinstance(error, Failure)
    return response(error.problem())


async def _parameters(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = []
    for one in error.errors()[:20]:
        pointer = ""
        for token in one["loc"]:
            pointer = join(pointer, str(token)[:100])
        errors.append(FieldError(pointer=pointer, detail=one["msg"]))
    detail = "; ".join(f"{one.pointer}: {one.detail}" for one in errors[:3])
    refused = Refused(400, "invalid_parameter", "A parameter is wrong", detail, errors=tuple(errors))
    return response(refused.problem)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "http_error")
    # the URL is not asked: a malformed Host header makes it unreadable
    detail = f"{request.method} {request.scope['path'][:200]}: {error.detail}"
    refused = Refused(error.status_code, code, str(error.detail), detail)
    return response(refused.problem, dict(error.headers) if error.headers else None)


async def _unavailable(_: Request, error: Exception) -> Response:
    log.warning("NATS did not serve a request: %r", error)
    detail = "NATS did not answer in time; try again."
    return response(
        Refused(503, "bus_unavailable", "The message bus does not answer", detail).problem, {"Retry-After": "5"}
    )


async def _gone(_: Request, error: Exception) -> Response:
    """The caller left before the body was here; nobody reads this."""
    return Response(status_code=400)


async def _unexpected(_: Request, error: Exception) -> Response:
    """The server logs the traceback."""
    return response(Refused(500, "internal_error", "Something broke here", "the fault is logged").problem)
