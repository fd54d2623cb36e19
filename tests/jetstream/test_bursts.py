"""More work than the slots can do waits in the queue, not in the process (bench/burst.py is the large form)."""

import asyncio

import pytest

from penstock.settings import Settings
from tests.patterns.reviews import copy_review
from tests.support.pipeline import Pipeline

JOBS, SLOTS = 60, 8


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """On a machine that stands still for seconds, steps would else be delivered again."""
    return settings.model_copy(update={"ack_wait": 30})


async def test_a_burst_of_jobs_is_worked_off_slot_by_slot(pipeline: Pipeline) -> None:
    """Each step once, never more calls at a time than there are slots."""
    await pipeline.stop("workers")
    await pipeline.start("workers", slots=SLOTS)
    await pipeline.gemini.rule(step="evaluate", reply={"json": copy_review(9), "pace": {"ttft": 0.1}})
    await pipeline.gemini.rule(reply={"pace": {"ttft": 0.1}})
    jobs = [await pipeline.submit("sequential-processing", {"input": f"lantern {number}"}) for number in range(JOBS)]
    results = await asyncio.gather(*(pipeline.result(job) for job in jobs))
    assert len(results) == JOBS
    stats = await pipeline.gemini.stats()
    assert (stats.calls, stats.completed) == (2 * JOBS, 2 * JOBS)
    assert stats.peak_running <= SLOTS
