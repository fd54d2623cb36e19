"""A job that no aggregator survives is given up; one whose end cannot be stored, or that has a failed step, fails."""

import time

import pytest

from penstock.contracts.events import JobAccepted
from penstock.contracts.journal import Outcome
from penstock.contracts.options import PatternRequest
from penstock.contracts.problem import Problem
from penstock.contracts.wire import Wire
from penstock.jetstream import subjects
from penstock.pattern import Pattern, Run
from penstock.settings import Settings
from tests.support.naming import named
from tests.support.pipeline import Pipeline
from tests.tutorial.writing import settings_with

HALF = "x" * 5_000_000


class Two(Wire):
    first: str
    second: str


async def two_halves(run: Run, request: PatternRequest) -> Two:
    """Each of them fits into a message, both together do not."""
    run.put("/first", HALF)
    run.put("/second", HALF)
    return Two(first=HALF, second=HALF)


LARGE = Pattern(
    name="large",
    summary="",
    run=two_halves,
    request=PatternRequest,
    result=Two,
    steps=(),
    example=PatternRequest(),
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings_with(settings.model_copy(update={"max_deliveries": 1}), f"{__name__}:LARGE")


async def test_a_job_whose_aggregators_do_not_survive_it_fails(pipeline: Pipeline) -> None:
    """Four beginnings for each that a step has: an aggregator that is deployed anew is no fault of the job."""
    await pipeline.stop("aggregator")
    job = await handed_back(pipeline, times=4)
    accepted = JobAccepted(id="accepted", job=job, pattern="routing", deadline=time.time() + 60)
    for _ in range(4):
        await pipeline.bus.append(subjects.events(named(job)), accepted.model_dump_json().encode())
    async with pipeline.settlements() as settlements:
        await pipeline.start("aggregator")
        assert (await pipeline.failure(job)).problem.code == "poisoned"
        await settlements.wait_for("ACK", stream=subjects.JOBS)
    assert [letter[subjects.DEAD_REASON_HEADER] for letter in await pipeline.dead_letters()] == ["poisoned"]
    assert await pipeline.gemini.calls(job=job) == []


async def test_deliveries_that_begin_nothing_do_not_count(pipeline: Pipeline) -> None:
    """NATS gave the job out again and again while it could store nothing: nobody died of it."""
    await pipeline.stop("aggregator")
    job = await handed_back(pipeline, times=6)
    await pipeline.start("aggregator")
    assert (await pipeline.result(job))["response"]


async def handed_back(pipeline: Pipeline, times: int) -> str:
    """A job that was delivered and handed back that often."""
    job = await pipeline.submit("routing", {"query": "Is anybody there?"})
    consumer = await pipeline.bus.jetstream.pull_subscribe_bind(durable=subjects.AGGREGATOR, stream=subjects.JOBS)
    for _ in range(times):
        (message,) = await consumer.fetch(1)
        await message.nak()
    await consumer.unsubscribe()
    return job


async def test_a_result_that_no_message_can_hold_fails_its_job(pipeline: Pipeline) -> None:
    """Though each part of it was streamed."""
    failed = await pipeline.failure(await pipeline.submit("large", {}))
    assert failed.problem.code == "output_too_large"


async def test_a_code_of_a_newer_worker_is_the_jobs_code(pipeline: Pipeline) -> None:
    """In a rolling deploy: a code that this aggregator does not have in its catalogue passes through as it is."""
    title = "The model is asleep"
    problem = Problem(
        type="urn:penstock:model_asleep", title=title, status=502, code="model_asleep", detail="Zzz.", step="classify-1"
    )
    outcome = Outcome(
        step="classify", key="classify-1", attempt=1, fingerprint="", service="newer", into="", failure=problem
    )
    await pipeline.bus.once(subjects.journal(named("newer"), "classify-1"), outcome.model_dump_json().encode())
    failed = await pipeline.failure(await pipeline.submit("routing", {"query": "Is anybody there?"}, "newer"))
    assert failed.problem.model_copy(update={"timestamp": None, "job": None, "request_id": None}) == problem
