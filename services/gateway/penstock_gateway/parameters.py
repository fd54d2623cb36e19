"""What a route's parameters say: the format, from where on, whether the caller waits, `Idempotency-Key`; no others."""

import re
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Header, Query, Request, params
from fastapi.dependencies.utils import get_flat_params
from pydantic import BeforeValidator

from penstock.contracts.problem import FieldError
from penstock.jobs.refusals import did_you_mean
from penstock.validation import field_errors
from penstock_gateway.problems import invalid_parameter

Format = Literal["json", "sse", "ui-message"]

#: A structured-field string (RFC 9651): quoted, with only quote and backslash escaped.
_QUOTED = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_BARE = re.compile(r"[\x21\x23-\x2b\x2d-\x7e]+")


async def _format(
    request: Request,
    protocol: Annotated[Format | None, Query(description="The format, where `Accept` cannot say it.")] = None,
) -> Format:
    """What `protocol` names; else text/event-stream for who accepts that rather than JSON; else JSON text."""
    if protocol is not None:
        return protocol
    return "sse" if prefers(request, "text/event-stream") else "json"


async def _cursor(
    last_event_id: Annotated[
        str, Header(alias="Last-Event-ID", pattern=r"^[0-9]{0,18}$", description="The last event received.")
    ] = "",
    after: Annotated[str, Query(pattern=r"^[0-9]{0,18}$", description="The same; the header goes first.")] = "",
) -> int:
    """The last event a caller has; 0 for none."""
    return int(last_event_id or after or 0)


async def _patience(
    request: Request,
    prefer: Annotated[
        str | None,
        Header(description="`respond-async`, with `wait=N` to wait up to N (60 at most) seconds for the result."),
    ] = None,
) -> float | None:
    """Seconds (60 at most) to wait for the result before answering 202, if `Prefer` has `respond-async` (RFC 7240)."""
    preferences: dict[str, str] = {}
    for preference in ",".join(request.headers.getlist("prefer")).split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        preferences.setdefault(name.strip().lower(), value.strip().strip('"'))
    if "respond-async" not in preferences:
        return None
    wait = preferences.get("wait", "")
    return float(min(int(wait), 60)) if re.fullmatch(r"[0-9]{1,18}", wait) else 0.0


async def _key(
    request: Request,
    _: Annotated[
        str | None, Header(alias="Idempotency-Key", description="The same key with the same body is the same job.")
    ] = None,
) -> str | None:
    """The same key is the same job (draft-ietf-httpapi-idempotency-key-header); None without one.

    It may be quoted as the draft has it, or bare as most send it. Raises Refused, 400.
    """
    values = request.headers.getlist("idempotency-key")
    if not values:
        return None
    text = values[0].strip()
    quoted = _QUOTED.fullmatch(text)
    key = re.sub(r'\\(["\\])', r"\1", quoted[1]) if quoted else text
    if len(values) > 1 or not (quoted or _BARE.fullmatch(text)) or not 1 <= len(key) <= 255:
        form = 'one key of 1 to 255 visible ASCII characters, quoted ("...") or bare without space, comma and "'
        raise invalid_parameter(FieldError(pointer="/header/Idempotency-Key", detail=form))
    return key


async def no_others(request: Request) -> None:
    """A dependency of all routes, idle on those of health. Raises Refused for a query parameter that a route lacks."""
    route = request.scope["route"]
    known = [one.alias for one in get_flat_params(route.dependant) if isinstance(one.field_info, params.Query)]
    unknown = [name for name in request.query_params if name not in known and "health" not in route.tags]
    if unknown:
        details = {name: f"there is no such parameter{did_you_mean(name, known)}" for name in unknown[:20]}
        raise invalid_parameter(*field_errors({"loc": ("query", name), "msg": text} for name, text in details.items()))


def _in_seconds(value: object) -> object:
    """Refuses numbers that pydantic takes for milliseconds."""
    if re.fullmatch(r"-?[0-9.]+", text := str(value)) and len(text.partition(".")[0]) > 10:
        raise ValueError("Unix seconds have at most 10 digits")
    return value


Moment = Annotated[datetime, BeforeValidator(_in_seconds)]
Wanted = Annotated[Format, Depends(_format)]
Cursor = Annotated[int, Depends(_cursor)]
Patience = Annotated[float | None, Depends(_patience)]
Key = Annotated[str | None, Depends(_key)]


def prefers(request: Request, media_type: str) -> bool:
    """Whether the caller accepts `media_type`, by its name, and rather than JSON."""
    listed = re.findall(r"([^,;\s]+)(?:[^,]*?;\s*q\s*=\s*([^,;\s]*))?[^,]*", request.headers.get("accept", "").lower())
    accepted = {name: float(q or 1) if re.fullmatch(r"([01](\.\d{0,3})?)?", q) else 0.0 for name, q in listed}
    return accepted.get(media_type, 0.0) > 0 and accepted[media_type] >= accepted.get("application/json", 0.0)
