"""A step is worth its model call only while somebody waits for it: until its job's deadline, and its job's end."""

import time

from penstock.contracts.journal import END, JobEnd
from penstock.jetstream import subjects
from tests.steps.step_harness import MODEL_STEPS, StepHarness
from tests.support.naming import named
from tests.support.settling import Settlements

STEP = MODEL_STEPS[0]


async def test_a_step_that_comes_after_the_deadline_is_not_begun(harness: StepHarness) -> None:
    await harness.dispatch(STEP, deadline=time.time() - 1)
    outcome = await harness.outcome()
    assert outcome.failure is not None
    assert outcome.failure.code == "deadline_exceeded"
    assert await harness.gemini.calls(job=harness.job) == []


async def test_a_step_that_is_still_in_work_at_the_deadline_is_ended(harness: StepHarness) -> None:
    """The model would never have answered."""
    await harness.gemini.rule(reply={"hold": "for ever"})
    await harness.dispatch(STEP, deadline=time.time() + 2)
    outcome = await harness.outcome()
    assert outcome.failure is not None
    assert outcome.failure.code == "deadline_exceeded"


async def test_a_model_that_asks_for_more_time_than_there_is_leaves_it_to_the_fallback(harness: StepHarness) -> None:
    """What it asked for would pass the deadline, so the step's own back-off counts."""
    await harness.gemini.rule(job=harness.job, model="big-one", fault={"status": 503, "retryDelay": 3600})
    await harness.dispatch(STEP, deadline=time.time() + 30)
    outcome = await harness.outcome()
    assert (outcome.failure, outcome.attempt) == (None, 4)
    assert [call.model for call in await harness.gemini.calls(job=harness.job)] == ["big-one"] * 3 + ["small-one"]


async def test_a_step_of_a_job_that_has_ended_is_acked_unexecuted(harness: StepHarness) -> None:
    end = JobEnd(pattern="contract", status="cancelled", ended_at=time.time())
    await harness.bus.once(subjects.journal(named(harness.job), END), end.model_dump_json().encode())
    async with Settlements(harness.bus) as settlements:
        await harness.dispatch(STEP)
        await settlements.wait_for("ACK")
    assert await harness.gemini.calls(job=harness.job) == []
    assert not await harness.bus.last_from_any_replica([subjects.journal(named(harness.job), "step-1")])
