"""A step that nobody begins is told to readers, and to whoever looks at the job."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from penstock import jobs
from penstock.contracts.events import JobCompleted, StepQueued
from penstock.settings import Settings
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline, pipeline_of
from tests.support.simulator import Steering


@pytest.fixture
async def pipeline(settings: Settings, gemini: Steering) -> AsyncIterator[Pipeline]:
    """Two aggregators and a classifier, but no workers."""
    async with pipeline_of(settings, gemini, "aggregator", "aggregator", "classifier") as pipeline:
        yield pipeline


async def queued(pipeline: Pipeline, job: str, *, served: bool) -> StepQueued:
    """The event that says so."""
    async with asyncio.timeout(PATIENCE), aclosing(pipeline.following(job)) as events:
        async for event in events:
            if isinstance(event, StepQueued) and event.served == served:
                return event
    raise AssertionError("the job ended")


async def test_a_step_of_a_service_that_nobody_runs_is_told(pipeline: Pipeline) -> None:
    job = await pipeline.submit("routing", {"query": "Is anybody there?"})
    told = await queued(pipeline, job, served=False)
    assert (told.key, told.step, told.service, told.depth) == ("respond-1", "respond", "workers", 1)
    state = await jobs.look_up_with_queue(pipeline.bus, named(job))
    assert state is not None
    (waiting,) = state.queued
    assert waiting.model_dump() == told.model_dump(include={"key", "step", "service", "depth", "served"})

    await pipeline.start("workers")
    events = await pipeline.events(job)
    assert isinstance(events[-1], JobCompleted)
    assert len([event for event in events if isinstance(event, StepQueued)]) == 1, "of two aggregators one event"
    state = await jobs.look_up_with_queue(pipeline.bus, named(job))
    assert state is not None
    assert state.queued == ()


async def test_a_step_behind_others_is_told_with_their_number(pipeline: Pipeline, gemini: Steering) -> None:
    await gemini.rule(step="respond", reply={"hold": "gate"})
    first = await pipeline.submit("routing", {"query": "One"})
    await pipeline.start("workers", slots=1)
    await gemini.wait(step="respond")
    others = [await pipeline.submit("routing", {"query": "Another"}) for _ in range(2)]
    for job in others:
        told = await queued(pipeline, job, served=True)
        assert (told.key, told.depth) == ("respond-1", 2)
    state = await jobs.look_up_with_queue(pipeline.bus, named(first))
    assert state is not None
    assert state.queued == (), "it is executed, however long that takes"
    await gemini.clear()
    for job in (first, *others):
        assert isinstance((await pipeline.events(job))[-1], JobCompleted)
