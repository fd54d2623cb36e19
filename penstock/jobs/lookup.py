"""What is known of one job, from its journal."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from penstock.contracts.job import JobState, Snapshot, StepState
from penstock.contracts.journal import END, RESERVED_KEYS, START, JobEnd, JobStart, Outcome
from penstock.contracts.usage import Usage
from penstock.document import Placed, spread
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus, Stored


async def look_up(bus: Bus, job: str) -> JobState | None:
    """What is known of a job; None where there is no such job (or it is past its retention)."""
    facts = await _facts(bus, job)
    outcomes = _outcomes(facts)
    start = JobStart.model_validate_json(facts[START].data) if START in facts else None
    end = JobEnd.model_validate_json(facts[END].data) if END in facts else None
    if start is not None:
        pattern, accepted_at = start.pattern, start.accepted_at
    else:
        submitted = await bus.newest(subjects.JOBS, subjects.job("*", job))
        if submitted is None:
            return None
        pattern, accepted_at = subjects.tokens(submitted.subject)[0], unix(submitted.time)
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
    end = JobEnd.model_validate_json(facts[END].data) if END in facts else None
    return Snapshot(
        job=job,
        pattern=pattern,
        status=end.status if end else "running",
        result=(end.result if end else None) or _result_so_far(outcomes),
        steps=tuple(outcome.key for outcome in outcomes),
        usage=_usage(end, outcomes),
    )


async def _facts(bus: Bus, job: str) -> dict[str, Stored]:
    """The journal of a job by key, oldest first."""
    facts = bus.history(subjects.JOURNAL, subjects.journal(job, "*"))
    return {fact.subject.rpartition(".")[2]: fact async for fact in facts}


def _outcomes(facts: dict[str, Stored]) -> list[Outcome]:
    return [Outcome.model_validate_json(fact.data) for key, fact in facts.items() if key not in RESERVED_KEYS]


def _usage(end: JobEnd | None, outcomes: Iterable[Outcome]) -> Usage:
    return end.usage if end else sum((outcome.usage for outcome in outcomes), start=Usage())


def _result_so_far(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """What the steps have written into the result, as far as they are done."""
    placed = Placed()
    for outcome in outcomes:
        if outcome.into is not None and outcome.failure is None:
            for p, value in spread(outcome.into, outcome.value).items():
                placed.put(p, value)
    result: dict[str, Any] = placed.assembled()
    return result


def _step_state(outcome: Outcome) -> StepState:
    described: dict[str, Any] = outcome.model_dump(
        by_alias=False, include={"step", "key", "attempt", "service", "model", "usage", "duration_ms"}
    )
    return StepState(**described, problem=outcome.failure)


def unix(time_stamp: str) -> float:
    """Unix seconds of an RFC 3339 time."""
    return datetime.fromisoformat(time_stamp).timestamp()
