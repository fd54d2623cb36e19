"""The event of a job's end, and how a job is cancelled."""

from penstock.contracts.events import Event, JobCancelled, JobCompleted, JobFailed
from penstock.contracts.job import JobState
from penstock.contracts.journal import END, JobEnd
from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jobs.lookup import look_up
from penstock.jobs.shifts import parked
from penstock.jobs.timers import wake


def end_event(end: JobEnd) -> Event:
    """The event of a job's end. Its id is always the same, so readers ignore it if it is published again."""
    if end.status == "completed":
        return JobCompleted(id=END, result=end.result or {}, usage=end.usage, missing=end.missing)
    if end.status == "cancelled":
        return JobCancelled(id=END, usage=end.usage)
    assert end.problem is not None
    return JobFailed(id=END, problem=end.problem, usage=end.usage)


async def publish_end(bus: Bus, job: JobName) -> bool:
    """Publish the event of the job's end, and return whether the journal has one."""
    if (found := await bus.last_from_leader(subjects.journal(job, END))) is None:
        return False
    event = end_event(JobEnd.model_validate_json(found.data))
    await bus.append(subjects.events(job), event.model_dump_json().encode())
    return True


async def cancel(bus: Bus, job: JobName) -> JobState | None:
    """End a job as cancelled, unless it has ended. The state after that; None where there is no such job."""
    state = await look_up(bus, job)
    if state is None or state.ended:
        return state
    end = JobEnd(pattern=state.pattern, status="cancelled", ended_at=bus.time.now(), usage=state.usage)
    await bus.once(subjects.journal(job, END), end.model_dump_json().encode())
    await publish_end(bus, job)
    if await parked(bus, job):  # nobody has it who would see to the rest
        await wake(bus, job, "=cancelled")
    return await look_up(bus, job)
