"""What a newer release has written, and cannot be read here, is left to its replicas while there may be any."""

import json

import pytest
from nats.aio.msg import Msg

from penstock import jobs
from penstock.contracts.events import JobAccepted, JobFailed
from penstock.contracts.journal import END, JobEnd, Outcome
from penstock.contracts.step import StepMessage
from penstock.jetstream import subjects
from penstock.jetstream.event_log import stored_events
from penstock.jetstream.releases import VERSION_HEADER
from penstock.jetstream.settling import TooNew
from penstock.patterns import PATTERNS
from penstock.runs.told import failure_of
from penstock.settings import Settings
from tests.support.naming import named
from tests.support.pipeline import Pipeline, pipeline_of
from tests.support.simulator import Steering

NEWER = {VERSION_HEADER: "99.1.0"}
#: Where an aggregator of that release answers.
THERE = "penstock.runs.=release.v=99-1-0"


async def submitted(pipeline: Pipeline, **more: object) -> str:
    """A job with a member more than requests of today have."""
    job, body = jobs.new_job_id(), {"query": "Why?", **more}
    await pipeline.bus.once(subjects.job("routing", named(job)), json.dumps(body).encode(), headers=NEWER)
    return job


async def answer(question: Msg) -> None:
    await question.respond(b"")


async def test_a_job_is_left_while_an_aggregator_of_that_release_answers(pipeline: Pipeline) -> None:
    """Once none does, it fails for its reason, as it does with a request that nobody can read."""
    there = await pipeline.bus.connection.subscribe(THERE, cb=answer)
    async with pipeline.settlements() as settlements:
        job = await submitted(pipeline, tone="friendly")
        await settlements.wait_for("NAK", 2, stream=subjects.JOBS)
        await there.unsubscribe()
        assert (await pipeline.failure(job)).problem.code == "invalid_request"
    assert [letter[subjects.DEAD_REASON_HEADER] for letter in await pipeline.dead_letters()] == ["invalid_request"]


async def test_what_can_be_read_is_run_whoever_wrote_it(pipeline: Pipeline) -> None:
    assert await pipeline.result(await submitted(pipeline))


async def test_a_step_is_left_until_its_job_ends(pipeline: Pipeline) -> None:
    job = named(jobs.new_job_id())
    given = {"pattern": "routing", "job": job.id, "step": "classify", "key": "classify-1", "fingerprint": "f" * 32}
    body = {**given, "input": {"query": "Why?", "tone": "friendly"}, "deadline": 2_000_000_000}
    subject = subjects.step("classifier", "routing", "classify", job, "classify-1")
    async with pipeline.settlements() as settlements:
        await pipeline.bus.once(subject, json.dumps(body).encode(), headers=NEWER)
        await settlements.wait_for("NAK", 2)
        end = JobEnd(pattern="routing", status="cancelled", ended_at=0).model_dump_json().encode()
        await pipeline.bus.once(subjects.journal(job, END), end)
        await settlements.wait_for("ACK")
    assert await pipeline.outcomes(job.id) == {}
    assert await pipeline.dead_letters() == []


@pytest.mark.parametrize("by", [NEWER, {VERSION_HEADER: "0.0.1"}])
async def test_a_job_is_left_that_has_an_outcome_which_cannot_be_read(
    settings: Settings, gemini: Steering, by: dict[str, str]
) -> None:
    """Until its deadline, which it fails for, as it does where nobody executes its steps. Of an older release it is
    what a pattern cannot work with."""
    async with pipeline_of(settings, gemini, "aggregator") as pipeline:
        queued = await pipeline.bus.connection.subscribe("steps.>")
        await pipeline.bus.connection.flush()
        options = {"deadlineSeconds": 6}
        job = await pipeline.submit("routing", {"query": "Why?", "options": options})
        step = StepMessage.model_validate_json((await queued.next_msg(30)).data)
        outcome = Outcome(
            step="classify",
            key=step.key,
            attempt=1,
            service="classifier",
            into=step.into,
            fingerprint=step.fingerprint,
            value={"mood": "cheerful"},
        )
        fact = subjects.journal(named(job), step.key)
        await pipeline.bus.once(fact, outcome.model_dump_json().encode(), headers=by)
        expected = "deadline_exceeded" if by == NEWER else "pattern_error"
        events = await pipeline.events(job)
        assert isinstance(end := events[-1], JobFailed)
        assert end.problem.code == expected
        # however often it was delivered, its run has begun once, and once more for its end
        begun = [one async for one in stored_events(pipeline.bus, named(job)) if isinstance(one, JobAccepted)]
        assert len(begun) <= 2


def test_that_something_cannot_be_read_fails_no_job_within_a_group_either(settings: Settings) -> None:
    unread = TooNew("99.1.0", "the fact 'now-1'")
    (routing,) = [one for one in PATTERNS if one.name == "routing"]
    with pytest.raises(TooNew):
        failure_of(ExceptionGroup("of a TaskGroup", [ValueError("beside it"), unread]), routing, settings)
