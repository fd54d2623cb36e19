"""What is known of one job, from its journal."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from penstock.contracts.job import JobState, Snapshot, StepState
from penstock.contracts.journal import END, START, JobEnd, JobStart, Outcome, is_step
from penstock.contracts.usage import Usage
from penstock.contracts.waiting import Shift, Waiting, shift_key, signal_key
from penstock.contracts.wire import JobName, is_token
from penstock.document import Placed, shown
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.stored import Stored
from penstock.jobs.shifts import is_parked, parked_for
from penstock.jobs.submission import retry_of, tries_before


class Record:
    """One job's facts: its start, its end, its waits (`begun`: all), its steps' outcomes, in the order given."""

    def __init__(self, facts: Iterable[Stored]) -> None:
        data = {subjects.key_of(fact.subject): fact.data for fact in facts}
        start, end = data.get(START), data.get(END)
        self.start = JobStart.model_validate_json(start) if start else None
        self.end = JobEnd.model_validate_json(end) if end else None
        self.outcomes = [Outcome.model_validate_json(fact) for key, fact in data.items() if is_step(key)]
        self.begun = [Waiting.model_validate_json(fact) for key, fact in data.items() if key.startswith("wait.")]
        shifts = {key: fact for key, fact in data.items() if key.startswith(shift_key(""))}
        self.shifts = [Shift.model_validate_json(shifts[shift_key(number)]) for number in range(len(shifts))]
        #: Bytes of each signal.
        self.said = [len(fact) for key, fact in data.items() if key.startswith(signal_key(""))]
        self.waiting = tuple(one for one in self.begun if not (end or data.keys() & one.ends))

    def fields(self) -> dict[str, Any]:
        """The fields of a job's state that are known: `status` and `usage`, and those of JobStart and JobEnd."""
        usage = sum((outcome.usage for outcome in self.outcomes), start=Usage())
        known: dict[str, Any] = {"status": "running" if self.start else "queued", "usage": usage}
        if self.start is not None:
            known |= dict(self.start) | {"deadline": self.start.deadline_after(parked_for(self.shifts))}
            if is_parked(self.shifts):
                known |= {"status": "waiting"} | ({} if self.start.waiting_counts else {"deadline": None})
        return known | dict(self.end or ())


async def look_up(bus: Bus, job: JobName) -> JobState | None:
    """What is known of a job; None where there is no such job, can be none, or it is past its retention."""
    return await state_of(bus, job, await read(bus, job)) if is_token(job.id) else None


async def request_of(bus: Bus, job: JobName) -> bytes | None:
    """The body as it was submitted, over NATS perhaps no JSON; None where there is no such job, or no more."""
    submitted = await bus.last_from_leader(subjects.job("*", job)) if is_token(job.id) else None
    return submitted.data if submitted else None


async def tenant_of(bus: Bus, job_id: str) -> str | None:
    """Whose job it is, for who sees all; of several tenants' jobs with this id, the one submitted last."""
    wanted = subjects.job("*", JobName("*", job_id))
    submitted = await bus.last_from_leader(wanted) if is_token(job_id) else None
    return subjects.of_job(submitted.subject)[1].tenant if submitted else None


async def state_of(bus: Bus, job: JobName, record: Record) -> JobState | None:
    """The same, of one whose journal was read."""
    fields = record.fields()
    if record.start is None:
        if (submitted := await bus.last_from_leader(subjects.job("*", job))) is None:
            return None
        fields |= {"pattern": subjects.of_job(submitted.subject)[0], "accepted_at": unix(submitted.time)}
        if record.end is not None:
            for message in await bus.last_from_any_replica([submitted.subject]):
                fields |= {"retry_of": first_try(message.headers, job)}
    steps = tuple(StepState(**dict(outcome), problem=outcome.failure) for outcome in record.outcomes)
    state = JobState(**fields | {"id": job.id, "steps": steps, "waiting": record.waiting})
    if state.can_be_retried:
        retry = retry_of(job)
        if await bus.last_from_leader(subjects.job(state.pattern, retry)):
            return state.model_copy(update={"retried_as": retry.id})
    return state


async def snapshot(bus: Bus, job: JobName) -> Snapshot:
    """The state of a job that an aggregator has begun to run, as far as its journal has it."""
    record = await read(bus, job)
    placed = Placed()
    for outcome in record.outcomes:
        for p, value in shown(outcome).items():
            placed.put(p, value)
    result = (record.end.result if record.end else None) or placed.assembled()
    steps = tuple(outcome.key for outcome in record.outcomes)
    known = {"job": job.id, "result": result, "steps": steps, "waiting": record.waiting}
    return Snapshot(**{"pattern": ""} | record.fields() | known)


def first_try(headers: Mapping[str, str] | None, job: JobName) -> str | None:
    """The first job that `job` is another try at, by the headers of its message; None for what only says so."""
    first = (headers or {}).get(subjects.RETRY_HEADER)
    return first if tries_before(job, first) else None


async def read(bus: Bus, job: JobName) -> Record:
    """All facts of a job."""
    return Record([fact async for fact in bus.history(subjects.journal(job, ">"))])


def unix(time_stamp: str) -> float:
    """Unix seconds of an RFC 3339 time."""
    return datetime.fromisoformat(time_stamp).timestamp()
