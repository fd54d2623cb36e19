"""Errors in Google's JSON shape: `{"error": {"code", "message", "status", "details"}}`."""

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


class Failure(Exception):
    """The call fails; `retry_delay` in seconds becomes RetryInfo and a Retry-After header."""

    def __init__(self, status: int, message: str, retry_delay: float | None = None) -> None:
        super().__init__(message)
        error: dict[str, Any] = {"code": status, "status": _STATUSES.get(status, "UNKNOWN"), "message": message}
        headers = {}
        if retry_delay is not None:
            kind = "type.googleapis.com/google.rpc.RetryInfo"
            error["details"] = [{"@type": kind, "retryDelay": f"{retry_delay:g}s"}]
            headers["Retry-After"] = str(math.ceil(retry_delay))
        self.response = JSONResponse({"error": error}, status, headers)
