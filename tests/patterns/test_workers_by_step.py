"""A worker process may serve some steps only: the others wait in their queues for one that serves them."""

from collections.abc import AsyncIterator

import pytest
from penstock_workers.service import build

from penstock.contracts.events import StepCompleted
from penstock.errors import Misconfigured
from penstock.settings import Settings
from tests.patterns.plans import output, plan, task
from tests.support.pipeline import Pipeline, pipeline_of, running
from tests.support.simulator import Steering

JOB = "job-1"


@pytest.fixture
async def pipeline(settings: Settings, gemini: Steering) -> AsyncIterator[Pipeline]:
    """An aggregator on streams of its own, and no workers yet."""
    async with pipeline_of(settings, gemini, "aggregator") as pipeline:
        yield pipeline


async def test_workers_for_one_type_of_task_leave_the_others_alone(pipeline: Pipeline) -> None:
    """The frontend task waits in its queue while the backend one is done."""
    tasks = (task("api", type="backend"), task("page", type="frontend"))
    await pipeline.gemini.rule(step="plan", reply=plan(*tasks))
    for step in ("execute-backend", "execute-frontend"):
        await pipeline.gemini.rule(step=step, reply=output())
    async with running(build(pipeline.settings, ["plan", "execute-backend", "summarize"])):
        await pipeline.submit("orchestrator-worker", {"featureDescription": "Share a cart"}, JOB)
        async for event in pipeline.following(JOB):
            if isinstance(event, StepCompleted) and event.step == "execute-backend":
                break
        (waiting,) = await pipeline.bus.last_from_any_replica(["steps.*.*.*.execute-frontend.>"])
        assert waiting.subject.endswith(f"{JOB}.task-1")
        assert await pipeline.gemini.calls(step="execute-frontend") == []
        async with running(build(pipeline.settings, ["orchestrator-worker/execute-frontend"])):
            result = await pipeline.result(JOB)
    assert [one["status"] for one in result["taskResults"]] == ["completed", "completed"]


async def test_the_tool_calls_of_one_turn_are_dispatched_together(pipeline: Pipeline) -> None:
    """Nobody does the first yet, and the second is already waiting beside it."""
    calls = [{"name": "calculate", "args": {"expression": text}} for text in ("6 * 7", "1 / 8")]
    await pipeline.gemini.rule(step="think", times=1, reply={"functionCalls": calls})
    await pipeline.gemini.rule(step="think", reply={"text": "42 and 0.125."})
    asked = await pipeline.bus.connection.subscribe(f"steps.*.workers.multi-step-tool-usage.calculate.default.{JOB}.*")
    async with running(build(pipeline.settings, ["think", "conclude"])):
        await pipeline.submit("multi-step-tool-usage", {"problem": "6 times 7, and an eighth"}, JOB)
        keys = {(await asked.next_msg(timeout=10)).subject.rpartition(".")[2] for _ in calls}
        assert keys == {"call-1-1", "call-1-2"}
        assert set(await pipeline.outcomes(JOB)) == {"think-1"}
        async with running(build(pipeline.settings, ["calculate"])):
            result = await pipeline.result(JOB)
    assert [one["result"] for one in result["steps"]] == ["42", "0.125"]


@pytest.mark.parametrize("step", ["clasify", "routing/plan"])
def test_a_model_for_a_step_that_does_not_exist_is_refused_at_the_start(step: str) -> None:
    build(Settings(step_models={"classify": "complex", "orchestrator-worker/plan": "gemini-3.8-flash"}), ["calculate"])
    with pytest.raises(Misconfigured, match=f"PENSTOCK_STEP_MODELS names {step}, and no pattern has such a step"):
        build(Settings(step_models={step: "complex"}))


def test_a_step_that_does_not_exist_is_refused_at_the_start() -> None:
    """The message names those that there are."""
    with pytest.raises(Misconfigured, match=r"no such step here: execute-magic.*execute-backend"):
        build(Settings(), ["plan", "execute-magic"])
