"""Every fact is one message on a subject of its own: the server refuses a second one."""

import pytest

from penstock.errors import Failure
from penstock.jetstream import subjects
from penstock.jobs import submit
from tests.support.naming import named
from tests.support.pipeline import Pipeline

QUERY = {"query": "Our API answers 502 since the deploy"}
OTHER = {"query": "What does the large plan cost?"}


async def test_the_same_job_submitted_twice_runs_once(pipeline: Pipeline) -> None:
    """The second message is refused while the first is there, finished or not."""
    job = await pipeline.submit("routing", QUERY, "twice")
    first = await pipeline.result(job)
    await pipeline.submit("routing", QUERY, "twice")
    assert await pipeline.result(job) == first
    assert len(await pipeline.gemini.calls(job=job)) == 2
    assert await pipeline.dead_letters() == []


async def test_an_id_stands_for_one_body(pipeline: Pipeline) -> None:
    """`penstock.jobs.submit` tells a caller what JetStream's refusal means: the same job, or another one."""
    body, other = b'{"query": "one"}', b'{"query": "two"}'
    assert await submit(pipeline.bus, "routing", named("mine"), body)
    assert not await submit(pipeline.bus, "routing", named("mine"), body)
    with pytest.raises(Failure) as taken:
        await submit(pipeline.bus, "routing", named("mine"), other)
    assert taken.value.code == "job_id_taken"
    await pipeline.result("mine")


async def test_an_id_brought_under_another_pattern_does_not_disturb_the_first(pipeline: Pipeline) -> None:
    """It is dead-lettered as `job_id_taken`, while the first job goes on."""
    await pipeline.gemini.rule(step="classify", reply={"hold": "classify"})
    job = await pipeline.submit("routing", QUERY, "taken")
    await pipeline.gemini.wait(held="classify")
    async with pipeline.settlements() as settlements:
        await pipeline.submit("sequential-processing", {"input": "a lantern"}, "taken")
        await settlements.wait_for("TERM", stream=subjects.JOBS)
    await pipeline.gemini.release("classify")

    assert (await pipeline.result(job))["classification"]["category"] == "technical"
    (letter,) = await pipeline.dead_letters()
    assert letter[subjects.DEAD_REASON_HEADER] == "job_id_taken"
    assert letter[subjects.DEAD_SUBJECT_HEADER] == "jobs.default.sequential-processing.taken"
    assert not await pipeline.gemini.calls(step="draft")


async def test_an_id_brought_again_with_another_body_does_not_disturb_the_first(pipeline: Pipeline) -> None:
    """Even where the first message is gone from JOBS: the journal remembers what the id stands for."""
    job = await pipeline.submit("routing", QUERY, "again")
    result = await pipeline.result(job)
    await pipeline.bus.jetstream.purge_stream(subjects.JOBS)
    async with pipeline.settlements() as settlements:
        await pipeline.submit("routing", OTHER, "again")
        await settlements.wait_for("TERM", stream=subjects.JOBS)
    assert await pipeline.result(job) == result
    assert [letter[subjects.DEAD_REASON_HEADER] for letter in await pipeline.dead_letters()] == ["job_id_taken"]


async def test_a_finished_job_delivered_again_is_only_acknowledged(pipeline: Pipeline) -> None:
    """No step runs, no second end is published."""
    job = await pipeline.submit("routing", QUERY)
    events = await pipeline.events(job)
    await pipeline.bus.jetstream.purge_stream(subjects.JOBS)
    async with pipeline.settlements() as settlements:
        await pipeline.submit("routing", QUERY, job)
        await settlements.wait_for("ACK", stream=subjects.JOBS)
    assert await pipeline.events(job) == events
    assert len(await pipeline.gemini.calls(job=job)) == 2
