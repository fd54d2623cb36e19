"""Which format a caller wants, from where on, and whether it will wait."""

import re
from typing import Literal

from fastapi import Request

from penstock_gateway.problems import invalid_parameter

Format = Literal["json", "sse", "ui-message"]

_SEQUENCE = re.compile(r"\d{1,18}", re.ASCII)
#: Seconds that `Prefer: wait` may ask for.
_LONGEST_WAIT = 60


def wanted_format(request: Request) -> Format:
    """`?protocol=` names it; else text/event-stream for who accepts that rather than JSON; else JSON text."""
    protocol = request.query_params.get("protocol")
    if protocol is not None:
        for known in ("json", "sse", "ui-message"):
            if protocol == known:
                return known
        raise invalid_parameter("/query/protocol", "json, sse or ui-message")
    accepted = _qualities(request.headers.get("accept", ""))
    events = accepted.get("text/event-stream", 0.0)
    return "sse" if events > 0 and events >= accepted.get("application/json", 0.0) else "json"


def cursor(request: Request) -> int:
    """The last event a caller has: the header `Last-Event-ID`, else `?after=`; 0 for none. Raises Refused, 400."""
    for pointer, value in (
        ("/header/Last-Event-ID", request.headers.get("last-event-id")),
        ("/query/after", request.query_params.get("after")),
    ):
        if value:
            if not _SEQUENCE.fullmatch(value):
                raise invalid_parameter(pointer, "the id of an event: a whole number")
            return int(value)
    return 0


def respond_async(request: Request) -> float | None:
    """Seconds to wait for the result before answering 202, if `Prefer: respond-async` asks for that (RFC 7240)."""
    preferences: dict[str, str] = {}
    for field in request.headers.getlist("prefer"):
        for preference in field.split(","):
            name, _, value = preference.partition(";")[0].partition("=")
            preferences.setdefault(name.strip().lower(), value.strip().strip('"'))
    if "respond-async" not in preferences:
        return None
    wait = preferences.get("wait", "")
    return float(min(int(wait), _LONGEST_WAIT)) if _SEQUENCE.fullmatch(wait) else 0.0


def _qualities(accept: str) -> dict[str, float]:
    """Media types with their q."""
    found: dict[str, float] = {}
    for part in accept.split(","):
        media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                quality = float(value) if re.fullmatch(r"[01](\.\d{0,3})?", value.strip()) else 0.0
        found[media_type] = quality
    return found
