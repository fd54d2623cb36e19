"""From a POST to a job: what is checked before it is accepted, and which job it is."""

import asyncio
import re
from typing import Any, NamedTuple

from fastapi import Request

from penstock import jobs
from penstock.errors import Refused
from penstock.jobs.submission import admit, body_of
from penstock.pattern import Pattern
from penstock_gateway import chat
from penstock_gateway.parameters import Format
from penstock_gateway.state import Gateway

#: Seconds within which a whole body has to come.
_PATIENCE = 60.0


class Submission(NamedTuple):
    """`new`: this request began the job; otherwise an earlier one with the same Idempotency-Key did."""

    job: str
    new: bool
    format: Format


async def submit(
    gateway: Gateway, pattern: Pattern[Any, Any], request: Request, wanted: Format, key: str | None
) -> Submission:
    """Accept a job, or find the one that the key stands for. Raises Refused, Failure, BusUnavailable.

    From when the job is published, `request.state.job` has its id.
    """
    raw = await _read(request, gateway.settings.max_body)
    sent = chat.translate(pattern, raw)
    if sent is not None and "protocol" not in request.query_params:
        wanted = "ui-message"  # only useChat sends such a body
    parsed = admit(gateway.patterns, pattern.name, sent.body if sent else raw, gateway.settings)
    content = body_of(parsed)
    await gateway.admit_job()
    bus = gateway.bus
    job = jobs.job_id_of(key, pattern.name) if key else jobs.new_job_id()
    if sent is not None and sent.chat is not None:
        await chat.remember(bus, pattern.name, sent.chat, job)
    request.state.job = job
    new = await jobs.submit(bus, pattern.name, job, content, keyed=key is not None)
    # without a key nobody else can have this job: a first try, whose answer was lost, has stored it
    return Submission(job, new or key is None, wanted)


async def _read(request: Request, limit: int) -> bytes:
    """The JSON body.

    Raises Refused: 413 above `limit` bytes (before it is all here), 415 for another media type or an
    encoded body, 408 for one that does not come.
    """
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if not re.fullmatch(r"application/(.*\+)?json", media_type):
        raise Refused("unsupported_media_type", f"the body came as {media_type[:100]!r}")
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise Refused("unsupported_media_type", f"the body came encoded as {encoding[:100]!r}")
    too_large = Refused("body_too_large", f"the body may have {limit} bytes")
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise Refused("body_timeout", f"the body was not here after {_PATIENCE:g} s") from None
    return bytes(body)
