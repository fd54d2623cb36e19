"""Jobs from outside: submit, look up, list, cancel. The gateway is one caller of these; it has no private way in."""

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nats.js.errors import NotFoundError

from penstock import subjects
from penstock.bus import Bus, Stored
from penstock.contracts.events import PartValue
from penstock.contracts.job import JobState, JobStatus, JobSummary, Snapshot, StepState
from penstock.contracts.journal import JobEnd, JobStart, Outcome
from penstock.contracts.usage import Usage
from penstock.document import Document, join
from penstock.engine.handler import end_event
from penstock.errors import Failure

#: Jobs whose facts are read at once; sequences of JOBS looked at together; and for one page at most, so
#: that a filter that matches little costs a bounded amount: the page is then short and has a cursor.
_FACTS, _WINDOW, _EXAMINED = 100, 100, 2_000
#: The same two where the server itself picks the pattern's jobs.
_WINDOW_OF_PATTERN, _EXAMINED_OF_PATTERN = 4_000, 40_000


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
    facts = await _facts(bus, job)
    outcomes = _outcomes(facts)
    start = JobStart.model_validate_json(facts[subjects.START].data) if subjects.START in facts else None
    end = JobEnd.model_validate_json(facts[subjects.END].data) if subjects.END in facts else None
    if start is not None:
        pattern, accepted_at = start.pattern, start.accepted_at
    else:
        asked = await bus.last(subjects.JOBS, [subjects.job("*", job)])
        if not asked:
            return None
        pattern, accepted_at = subjects.parse_job(asked[0].subject)[0], _unix(asked[0].time)
    return JobState(
        id=job,
        pattern=pattern,
        status=end.status if end else "running" if start else "queued",
        accepted_at=accepted_at,
        deadline=start.deadline if start else None,
        ended_at=end.ended_at if end else None,
        steps=tuple(_step_state(outcome) for outcome in outcomes),
        result=end.result if end else None,
        problem=end.problem if end else None,
        missing=end.missing if end else (),
        usage=_usage(end, outcomes),
    )


async def snapshot(bus: Bus, job: str, pattern: str) -> Snapshot:
    """The state of a job that has been taken up, as far as its journal tells it."""
    facts = await _facts(bus, job)
    outcomes = _outcomes(facts)
    end = JobEnd.model_validate_json(facts[subjects.END].data) if subjects.END in facts else None
    return Snapshot(
        job=job,
        pattern=pattern,
        status=end.status if end else "running",
        result=(end.result if end else None) or _result_so_far(outcomes),
        steps=tuple(outcome.key for outcome in outcomes),
        usage=_usage(end, outcomes),
    )


async def cancel(bus: Bus, job: str) -> JobState | None:
    """End a job as cancelled, unless it has ended. The state after that; None where there is no such job."""
    state = await look_up(bus, job)
    if state is None or state.ended:
        return state
    end = JobEnd(pattern=state.pattern, status="cancelled", ended_at=time.time(), usage=state.usage)
    await bus.once(subjects.journal(job, subjects.END), end.model_dump_json().encode())
    await settle_end(bus, job)
    return await look_up(bus, job)


async def settle_end(bus: Bus, job: str) -> bool:
    """Publish the event of the job's end, if the journal has an end. Readers ignore it where it was told before."""
    found = await bus.last(subjects.JOURNAL, [subjects.journal(job, subjects.END)])
    if not found:
        return False
    event = end_event(JobEnd.model_validate_json(found[0].data))
    await bus.append(subjects.events(job), event.model_dump_json().encode())
    return True


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which jobs to list. Times are Unix seconds of submission; `until` is exclusive."""

    pattern: str | None = None
    status: JobStatus | None = None
    since: float | None = None
    until: float | None = None


async def page(bus: Bus, wanted: Wanted, *, limit: int, before: int | None = None) -> tuple[list[JobSummary], int]:
    """Up to `limit` jobs, newest first, and the `before` of the next page: 0 if there is none.

    JOBS is read backwards, start and end of each job come from JOURNAL. Work is bounded: a page may have fewer
    than `limit` jobs, even none, and yet a next one.
    """
    state = (await bus.jetstream.stream_info(subjects.JOBS)).state
    first, high = state.first_seq, state.last_seq
    if wanted.until is not None:
        high = await _last_before(bus, wanted.until, first, high)
    if before is not None:
        high = min(high, before - 1)
    window, lowest = (
        (_WINDOW_OF_PATTERN, high - _EXAMINED_OF_PATTERN) if wanted.pattern else (_WINDOW, high - _EXAMINED)
    )
    found: list[JobSummary] = []
    while high >= first and high > lowest:
        low = max(first, high - window + 1)
        candidates = await _between(bus, wanted.pattern, low, high)
        for begin in range(0, len(candidates), _FACTS):
            group = candidates[begin : begin + _FACTS]
            for stored, summary in zip(group, await _summaries(bus, group), strict=True):
                if wanted.since is not None and _unix(stored.time) < wanted.since:
                    return found, 0
                if summary is None or (wanted.status is not None and summary.status != wanted.status):
                    continue
                found.append(summary)
                if len(found) == limit:
                    return found, stored.sequence if stored.sequence > first else 0
        high = low - 1
    return found, high + 1 if high >= first else 0


async def _between(bus: Bus, pattern: str | None, low: int, high: int) -> list[Stored]:
    """Job messages, newest first."""
    found: list[Stored] = []
    async for stored in bus.history(subjects.JOBS, subjects.job(pattern or "*", "*"), after=low - 1):
        if stored.sequence > high:
            break
        found.append(stored)
    return found[::-1]


async def _summaries(bus: Bus, submitted: list[Stored]) -> list[JobSummary | None]:
    """None for a message that is no job: its id is no token, or belongs to another pattern's."""
    pairs = [subjects.parse_job(stored.subject) for stored in submitted]
    wanted = [subjects.journal(job, key) for _, job in pairs for key in (subjects.START, subjects.END)]
    facts = {stored.subject: stored.data for stored in await bus.last(subjects.JOURNAL, wanted)}

    def summary(pattern: str, job: str, stored: Stored) -> JobSummary | None:
        started = facts.get(subjects.journal(job, subjects.START))
        ended = facts.get(subjects.journal(job, subjects.END))
        start = JobStart.model_validate_json(started) if started else None
        end = JobEnd.model_validate_json(ended) if ended else None
        if not subjects.is_token(job) or (start is not None and start.pattern != pattern):
            return None
        return JobSummary(
            id=job,
            pattern=pattern,
            status=end.status if end else "running" if start else "queued",
            accepted_at=_unix(stored.time),
            ended_at=end.ended_at if end else None,
            problem=end.problem if end else None,
        )

    return [summary(*pair, stored) for pair, stored in zip(pairs, submitted, strict=True)]


async def _last_before(bus: Bus, until: float, low: int, high: int) -> int:
    """The sequence of the last job submitted before `until`, found by halving; `low` - 1 if there is none."""
    while low <= high:
        middle = (low + high) // 2
        if _unix(await _time_at(bus, middle, high)) < until:
            low = middle + 1
        else:
            high = middle - 1
    return high


async def _time_at(bus: Bus, sequence: int, high: int) -> str:
    """When the message of JOBS at `sequence`, or the next after it, was stored."""

    async def get() -> str:
        try:
            message = await bus.jetstream.get_msg(
                subjects.JOBS, seq=sequence, subject=subjects.job("*", "*"), direct=True, next=True
            )
        except NotFoundError:
            return "9999-01-01T00:00:00Z"
        return str((message.headers or {}).get("Nats-Time-Stamp", ""))

    return await bus.persistently("read JOBS", get)


async def _facts(bus: Bus, job: str) -> dict[str, Stored]:
    """The journal of a job by key, oldest first."""
    stored = await bus.last(subjects.JOURNAL, [subjects.journal(job, "*")])
    return {fact.subject.rpartition(".")[2]: fact for fact in stored}


def _outcomes(facts: dict[str, Stored]) -> list[Outcome]:
    return [Outcome.model_validate_json(fact.data) for key, fact in facts.items() if key not in subjects.RESERVED_KEYS]


def _usage(end: JobEnd | None, outcomes: Iterable[Outcome]) -> Usage:
    return end.usage if end else sum((outcome.usage for outcome in outcomes), start=Usage())


def _result_so_far(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """What the steps have written into the result, as far as they are done."""
    document = Document()
    for outcome in outcomes:
        if outcome.into is None or outcome.failure is not None:
            continue
        place, spread = outcome.into.rstrip("/"), outcome.into == "" or outcome.into.endswith("/")
        values = (
            {join(place, name): value for name, value in outcome.value.items()} if spread else {place: outcome.value}
        )
        for p, value in values.items():
            document.apply(PartValue(id=p, p=p, t=json.dumps(value)))
    result: dict[str, Any] = document.value
    return result


def _step_state(outcome: Outcome) -> StepState:
    told: dict[str, Any] = outcome.model_dump(
        by_alias=False, include={"step", "key", "attempt", "service", "model", "usage", "cached", "duration_ms"}
    )
    return StepState(**told, problem=outcome.failure)


def _unix(time_stamp: str) -> float:
    """Unix seconds of an RFC 3339 time."""
    return datetime.fromisoformat(time_stamp).timestamp()
