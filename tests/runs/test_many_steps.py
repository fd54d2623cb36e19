"""A job with more steps than NATS names in one request is read, followed and ended like any other."""

import asyncio
import time

from penstock import jobs
from penstock.contracts.journal import START, JobStart, Outcome
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from tests.support.pipeline import Pipeline

STEPS = 1_100


async def test_a_job_of_very_many_steps(pipeline: Pipeline) -> None:
    """A direct get takes 1,024 subjects."""
    job = jobs.new_job_id()
    start = JobStart(pattern="routing", body_hash="0" * 64, accepted_at=0, deadline=time.time() + 60)
    await pipeline.bus.once(subjects.journal(job, START), start.model_dump_json().encode())
    await asyncio.gather(*(write(pipeline.bus, job, f"step-{number}") for number in range(STEPS)))
    state = await jobs.look_up(pipeline.bus, job)
    assert state is not None
    assert len(state.steps) == STEPS
    ended = await jobs.cancel(pipeline.bus, job)
    assert ended is not None
    assert ended.status == "cancelled"


async def write(bus: Bus, job: str, key: str) -> None:
    outcome = Outcome(step="step", key=key, fingerprint="", attempt=1, service="workers")
    await bus.once(subjects.journal(job, key), outcome.model_dump_json().encode())
