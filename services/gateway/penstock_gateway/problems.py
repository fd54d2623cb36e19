"""Problem details (RFC 9457) for everything the gateway refuses. Codes: `penstock/contracts/error_codes.py`."""

import re
from collections.abc import Collection, Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from penstock import correlation
from penstock.contracts.error_codes import CODES
from penstock.contracts.problem import FieldError, Problem
from penstock.contracts.wire import is_token
from penstock.errors import Failure, Refused
from penstock.jobs.refusals import UNAVAILABLE, problem_of, unknown_pattern
from penstock.validation import field_errors, summary

_HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
#: After these the connection cannot serve another request, or should not.
_CLOSING = frozenset({"body_timeout", "body_too_large", "draining"})
#: Where a pattern's name stands in a request that no route takes.
_PATTERN = re.compile(r"POST /([^/]+)|GET /([^/]+)/.+/stream")


def invalid_parameter(*errors: FieldError) -> Refused:
    """400 for what is wrong outside the body: pointers are `/query/<name>`, `/header/<name>` or `/path/<name>`."""
    return Refused("invalid_parameter", summary(errors), errors=errors)


def response(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    known = CODES.get(problem.code)  # a job may have failed by the code of a newer replica
    after = {"Retry-After": str(known.retry_after)} if known and known.retry_after else {}
    how = {"WWW-Authenticate": "Bearer"} if problem.code == "unauthorized" else {}
    close = {"Connection": "close"} if problem.code in _CLOSING else {}
    return JSONResponse(
        correlation.stamped(problem).model_dump(mode="json", by_alias=True),
        problem.status,
        headers={**(headers or {}), **after, **how, **close, **correlation.headers()},
        media_type="application/problem+json",
    )


def install(app: FastAPI, patterns: Collection[str]) -> None:
    """Have every error of `app` answered as a problem. The server itself logs what is unexpected."""

    async def raised(request: Request, error: Exception) -> Response:
        problem = problem_of(error)
        job = getattr(request.state, "job", None)
        if is_token(named := job or request.path_params.get("job")):
            problem = problem.model_copy(update={"job": named})
        if job is None or isinstance(error, Failure):
            return response(problem)
        # what was published, and not confirmed in time, may be stored all the same
        look = f"{problem.detail}. Job {job} may run all the same: GET /jobs/{job} shows whether it does. "
        again = "Sent again with the same Idempotency-Key the request is the same job, and is not paid twice"
        in_doubt = {"instance": f"/jobs/{job}", "detail": look + again}
        return response(problem.model_copy(update=in_doubt), {"X-Job-Id": job})

    async def parameters(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return response(invalid_parameter(*field_errors(error.errors())).problem())

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        # not request.url: a malformed Host header makes it unreadable
        target = f"{request.method} {request.scope['path'][:200]}"
        if error.status_code == 404 and (named := _PATTERN.fullmatch(target)):
            return response(unknown_pattern(named[1] or named[2], patterns).problem())
        refused = Refused(_HTTP_CODES.get(error.status_code, "bad_request"), f"{target}: {error.detail}")
        return response(refused.problem(), error.headers)

    for kind in (Failure, *UNAVAILABLE, Exception):
        app.add_exception_handler(kind, raised)
    app.add_exception_handler(RequestValidationError, parameters)
    app.add_exception_handler(HTTPException, http)
    # the caller left before the body was here; nobody reads this
    app.add_exception_handler(ClientDisconnect, lambda _, error: Response(status_code=400))
