"""What the SDK and its HTTP client raise, as Penstock's errors.

APIError (ClientError, ServerError)   an HTTP status, or an error object inside the stream
httpx2.HTTPError                      connecting, sending, reading; a stream that breaks
TimeoutError                          our own limits
anything else (ValueError, TypeError, AttributeError, pydantic's)   a reply the SDK could not read
"""

import re
from collections.abc import Collection
from typing import Any

import httpx2
from google.genai.errors import APIError

from penstock.backoff import retry_after
from penstock.document.strings import whole
from penstock.errors import ModelFailure, ModelSilent, ModelUnavailable, OutputInvalid, RateLimited

_MAX_DETAIL = 500
_CODES = {401: "model_unauthorized", 403: "model_unauthorized", 404: "model_not_found"}
#: Nothing was sent.
_NOT_ASKED = httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout
_PASSING = {408, 409, 425, 429, 499}


def failure_of(
    error: Exception, model: str, response: httpx2.Response | None, secrets: Collection[str]
) -> ModelFailure | ModelUnavailable:
    """The error to raise instead; its text does not hold a secret.

    Raise it outside of the handler: an SDK error that stays its context would take the secret into logs.
    """
    if isinstance(error, RecursionError):
        return OutputInvalid(f"the reply of {model} is nested too deep to be read")
    code, detail, after = _cause(error, model, response)
    detail = whole(detail)
    for secret in secrets:
        detail = detail.replace(secret, "[api key]")
    detail = detail[:_MAX_DETAIL]
    if code:
        return ModelFailure(code, detail)
    if isinstance(error, TimeoutError | httpx2.HTTPError) and not isinstance(error, _NOT_ASKED):
        return ModelSilent(detail)
    status = error.code if isinstance(error, APIError) else response.status_code if response else None
    return (RateLimited if status == 429 else ModelUnavailable)(detail, retry_after=after)


def _cause(error: Exception, model: str, response: httpx2.Response | None) -> tuple[str | None, str, float | None]:
    """The code of a failure, or None for what may pass; the detail; seconds after which to come back."""
    details: list[dict[str, Any]] = []
    if isinstance(error, APIError) and isinstance(error.code, int):
        status, text = error.code, f"{error.status}: {error.message}"
        match error.details:
            case {"error": {"details": [*found]}} | {"details": [*found]}:
                details = [one for one in found if isinstance(one, dict)]
    elif isinstance(error, TimeoutError | httpx2.TimeoutException):
        return None, f"{model} did not answer in time ({type(error).__name__})", None
    elif isinstance(error, httpx2.HTTPError):
        return None, f"the connection to {model} failed: {type(error).__name__}: {error}", None
    elif response is None:
        return None, f"the call to {model} failed before an answer came: {type(error).__name__}", None
    elif response.status_code == 200:
        return None, f"the reply of {model} could not be read: {type(error).__name__}", None
    else:
        status, text = response.status_code, "an answer that is not readable"
    detail = f"{model} answered {status} {text}"
    if status in _PASSING or status >= 500:
        return None, detail, _retry_after(details, response)
    if any(one.get("reason") == "API_KEY_INVALID" for one in details):
        return "model_unauthorized", detail, None
    if status < 400:
        return "model_not_found", f"{detail} (a redirect: is the base URL right?)", None
    return _CODES.get(status, "model_rejected"), detail, None


def _retry_after(details: list[dict[str, Any]], response: httpx2.Response | None) -> float | None:
    """Seconds, from google.rpc.RetryInfo or else the Retry-After header."""
    for info in (one for one in details if str(one.get("@type", "")).endswith("google.rpc.RetryInfo")):
        if delay := re.fullmatch(r"(\d+(?:\.\d+)?)s", str(info.get("retryDelay"))):
            return float(delay[1])
    return retry_after(response.headers.get("retry-after", "")) if response is not None else None
