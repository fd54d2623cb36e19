"""Jobs from outside: submit, look up, cancel. The gateway is one caller of these; it has no private way in."""

import os
import time
from typing import Any

from penstock import subjects
from penstock.bus import Bus
from penstock.contracts.job import JobState, StepState
from penstock.contracts.journal import JobEnd, JobStart, Outcome
from penstock.contracts.usage import Usage
from penstock.engine.handler import end_event
from penstock.errors import Failure
from penstock.event_log import EventLog


def new_job_id() -> str:
    """A UUIDv7 (RFC 9562, section 5.7): sorts by time of submission."""
    value = int.from_bytes(os.urandom(16)) & ~(0xFFFFFFFFFFFF << 80) | (time.time_ns() // 1_000_000) << 80
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


async def submit(bus: Bus, pattern: str, job: str, body: bytes, *, tenant: str | None = None) -> bool:
    """Publish a job. True: it is new; False: this very job was submitted before.

    Raises Failure("job_id_taken") where the id stands for another pattern or body.
    """
    headers = {subjects.TENANT_HEADER: tenant} if tenant else None
    if await bus.once(subjects.job(pattern, job), body, headers=headers):
        return True
    known = await bus.last(subjects.JOBS, [subjects.job(pattern, job)])
    if known and known[0].data == body:
        return False
    raise Failure("job_id_taken", f"job {job} was submitted before with another body")


async def look_up(bus: Bus, job: str) -> JobState | None:
    """What is known of a job; None where there is no such job (or it is past its retention)."""
    asked = await bus.last(subjects.JOBS, [f"jobs.*.{job}"])
    facts = {
        stored.subject.rpartition(".")[2]: stored
        for stored in await bus.last(subjects.JOURNAL, [subjects.journal(job, "*")])
    }
    if not asked and subjects.START not in facts:
        return None
    start = JobStart.model_validate_json(facts.pop(subjects.START).data) if subjects.START in facts else None
    end = JobEnd.model_validate_json(facts.pop(subjects.END).data) if subjects.END in facts else None
    outcomes = [Outcome.model_validate_json(stored.data) for stored in facts.values()]
    pattern = start.pattern if start else subjects.parse_job(asked[0].subject)[0]
    return JobState(
        id=job,
        pattern=pattern,
        status=end.status if end else "running" if start else "queued",
        accepted_at=start.accepted_at if start else None,
        deadline=start.deadline if start else None,
        ended_at=end.ended_at if end else None,
        steps=tuple(_step_state(outcome) for outcome in outcomes),
        result=end.result if end else None,
        problem=end.problem if end else None,
        missing=end.missing if end else (),
        usage=end.usage if end else sum((outcome.usage for outcome in outcomes), start=Usage()),
    )


async def cancel(bus: Bus, job: str) -> JobState | None:
    """End a job as cancelled, unless it has ended. The state after that; None where there is no such job."""
    state = await look_up(bus, job)
    if state is None or state.status not in ("queued", "running"):
        return state
    end = JobEnd(pattern=state.pattern, status="cancelled", ended_at=time.time(), usage=state.usage)
    if await bus.once(subjects.journal(job, subjects.END), end.model_dump_json().encode()):
        events = EventLog(bus, job)
        events.send(end_event(end))
        await events.flush()
    return await look_up(bus, job)


def _step_state(outcome: Outcome) -> StepState:
    told: dict[str, Any] = outcome.model_dump(
        by_alias=False, include={"step", "key", "attempt", "service", "model", "usage", "cached", "duration_ms"}
    )
    return StepState(**told, problem=outcome.failure)
