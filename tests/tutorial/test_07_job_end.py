"""A job ends once. The end is a fact of the journal; its event is published by whoever finds it missing."""

import time
from hashlib import sha256

import pytest

from penstock.contracts.events import JobAccepted, JobCancelled, JobFailed
from penstock.contracts.journal import END, START, JobEnd, JobStart
from penstock.jetstream import subjects
from tests.support.naming import named
from tests.support.pipeline import Pipeline

BODY = b'{"query": "Our API answers 502 since the deploy"}'


async def test_an_end_whose_event_was_never_told_is_told_at_the_next_delivery(pipeline: Pipeline) -> None:
    """The replica that wrote the end died before it published the event."""
    start = JobStart(pattern="routing", body_hash=sha256(BODY).hexdigest(), accepted_at=0, deadline=time.time() + 60)
    end = JobEnd(pattern="routing", status="cancelled", ended_at=time.time())
    await pipeline.bus.once(subjects.journal(named("mute"), START), start.model_dump_json().encode())
    await pipeline.bus.once(subjects.journal(named("mute"), END), end.model_dump_json().encode())
    await pipeline.submit("routing", BODY, "mute")
    assert [type(event) for event in await pipeline.events("mute")] == [JobCancelled]
    assert await pipeline.gemini.calls(job="mute") == []


async def test_a_job_that_is_cancelled_stops(pipeline: Pipeline) -> None:
    """A cancellation is an end that somebody else writes: the run stops, and its model call, which would
    otherwise never end, is closed."""
    await pipeline.gemini.rule(step="respond", reply={"hold": "respond"})
    async with pipeline.settlements() as settlements:
        job = await pipeline.submit("routing", BODY)
        await pipeline.gemini.wait(held="respond")

        end = JobEnd(pattern="routing", status="cancelled", ended_at=time.time())
        await pipeline.bus.once(subjects.journal(named(job), END), end.model_dump_json().encode())

        await pipeline.gemini.wait(job=job, step="respond", status="disconnected")
        assert isinstance((await pipeline.events(job))[-1], JobCancelled)
        await settlements.wait_for("ACK", 2)
        await settlements.wait_for("ACK", stream=subjects.JOBS)
    assert set(await pipeline.outcomes(job)) == {"classify-1"}
    assert len(await pipeline.gemini.calls(job=job)) == 2


async def test_a_late_cancellation_changes_nothing(pipeline: Pipeline) -> None:
    """First writer wins."""
    job = await pipeline.submit("routing", BODY)
    result = await pipeline.result(job)
    end = JobEnd(pattern="routing", status="cancelled", ended_at=time.time())
    assert not await pipeline.bus.once(subjects.journal(named(job), END), end.model_dump_json().encode())
    assert await pipeline.result(job) == result


async def test_a_job_past_its_deadline_ends_and_its_model_call_is_closed(pipeline: Pipeline) -> None:
    """`options.deadlineSeconds` counts from acceptance."""
    await pipeline.gemini.rule(step="classify", reply={"hold": "for ever"})
    job = await pipeline.submit("routing", {"query": "when?", "options": {"deadlineSeconds": 3}})
    await pipeline.gemini.wait(held="for ever")
    failed = await pipeline.failure(job)
    assert (failed.problem.code, failed.problem.status) == ("deadline_exceeded", 504)
    await pipeline.gemini.wait(job=job, status="disconnected")


async def test_a_replay_keeps_the_deadline(pipeline: Pipeline) -> None:
    """A job that changes hands does not start its time anew: this one had half a minute, a minute ago."""
    accepted_at = int(time.time()) - 60.0
    digest = sha256(BODY).hexdigest()
    start = JobStart(pattern="routing", body_hash=digest, accepted_at=accepted_at, deadline=accepted_at + 30)
    await pipeline.bus.once(subjects.journal(named("late"), START), start.model_dump_json().encode())
    await pipeline.submit("routing", BODY, "late")
    accepted, *_, failed = await pipeline.events("late")
    assert isinstance(accepted, JobAccepted)
    assert accepted.deadline.timestamp() == pytest.approx(start.deadline, abs=0.001)
    assert isinstance(failed, JobFailed)
    assert failed.problem.code == "deadline_exceeded"
    assert await pipeline.gemini.calls(job="late") == []
