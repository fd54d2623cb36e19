"""From a POST to a job: what is checked before it is accepted, and which job it is."""

from typing import Any, NamedTuple

from fastapi import Request

from penstock import jobs
from penstock.errors import Refused
from penstock.jobs.submission import admit, body_of
from penstock.pattern import Pattern
from penstock_gateway import body, chat
from penstock_gateway.negotiation import Format
from penstock_gateway.state import Gateway


class Submission(NamedTuple):
    """`new`: this request began the job; otherwise an earlier one with the same Idempotency-Key did."""

    job: str
    new: bool
    format: Format


async def submit(
    gateway: Gateway, pattern: Pattern[Any, Any], request: Request, wanted: Format, key: str | None
) -> Submission:
    """Accept a job, or find the one that the key stands for. Raises Refused, Failure, BusUnavailable."""
    raw = await body.read(request, gateway.settings.max_body)
    asked = chat.translate(pattern, raw)
    if asked is not None and "protocol" not in request.query_params:
        wanted = "ui-message"  # nobody else sends such a body
    parsed = admit(gateway.patterns, pattern.name, asked.body if asked else raw, gateway.settings)
    content = body_of(parsed)
    bus = gateway.bus
    if await gateway.backlog.is_full(bus):
        raise Refused("overloaded", f"more than {gateway.settings.max_backlog} jobs are waiting; try again later")
    job = jobs.job_id_of(key, pattern.name) if key else jobs.new_job_id()
    if asked is not None and asked.chat is not None:
        await chat.remember(bus, pattern.name, asked.chat, job)
    new = await jobs.submit(bus, pattern.name, job, content, keyed=key is not None)
    # without a key nobody else can have this job: a first try, whose answer was lost, has stored it
    return Submission(job, new or key is None, wanted)
