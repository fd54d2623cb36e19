"""A step is worth its model call only while somebody waits for it: until its job's deadline, and its job's end."""

import time

from penstock.contracts.journal import END, JobEnd
from penstock.jetstream import subjects
from tests.steps.step_harness import MODEL_STEPS, StepHarness
from tests.support.settling import Settlements

STEP = MODEL_STEPS[0]


async def test_a_step_that_comes_after_the_deadline_is_not_begun(bench: StepHarness) -> None:
    await bench.dispatch(STEP, deadline=time.time() - 1)
    outcome = await bench.outcome()
    assert outcome.failure is not None
    assert outcome.failure.code == "deadline_exceeded"
    assert await bench.gemini.calls(job=bench.job) == []


async def test_a_step_that_is_still_in_work_at_the_deadline_is_ended(bench: StepHarness) -> None:
    """The model would never have answered."""
    await bench.gemini.rule(reply={"hold": "for ever"})
    await bench.dispatch(STEP, deadline=time.time() + 2)
    outcome = await bench.outcome()
    assert outcome.failure is not None
    assert outcome.failure.code == "deadline_exceeded"


async def test_a_model_that_asks_for_more_time_than_there_is_leaves_it_to_the_fallback(bench: StepHarness) -> None:
    """What it asked for would pass the deadline, so the step's own back-off counts."""
    await bench.gemini.rule(job=bench.job, model="big-one", fault={"status": 429, "retryDelay": 3600})
    await bench.dispatch(STEP, deadline=time.time() + 30)
    outcome = await bench.outcome()
    assert (outcome.failure, outcome.attempt) == (None, 4)
    assert [call.model for call in await bench.gemini.calls(job=bench.job)] == ["big-one"] * 3 + ["small-one"]


async def test_a_step_of_a_job_that_has_ended_is_acked_unexecuted(bench: StepHarness) -> None:
    end = JobEnd(pattern="contract", status="cancelled", ended_at=time.time())
    await bench.bus.once(subjects.journal(bench.job, END), end.model_dump_json().encode())
    async with Settlements(bench.bus) as settlements:
        await bench.dispatch(STEP)
        await settlements.heard("ACK")
    assert await bench.gemini.calls(job=bench.job) == []
    assert not await bench.bus.last_from_any_replica(subjects.JOURNAL, [subjects.journal(bench.job, "step-1")])
