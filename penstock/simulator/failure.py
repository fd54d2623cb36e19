"""Errors in Google's JSON shape: `{"error": {"code", "message", "status", "details"}}`."""

from __future__ import annotations

import math
from typing import Any

from starlette.responses import JSONResponse

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class InvalidRequest(Exception):
    """The request is not one Gemini would take: 400 INVALID_ARGUMENT."""


def failure(code: int, message: str | None = None, retry_delay: float | None = None) -> JSONResponse:
    """The response for one error; `retry_delay` in seconds becomes RetryInfo and a Retry-After header."""
    error: dict[str, Any] = {"code": code, "status": _STATUSES.get(code, "UNKNOWN")}
    error["message"] = message or f"The simulator was told to answer {code}."
    headers: dict[str, str] = {}
    if retry_delay is not None:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{retry_delay:g}s"}]
        headers["Retry-After"] = str(math.ceil(retry_delay))
    return JSONResponse({"error": error}, status_code=code, headers=headers)
