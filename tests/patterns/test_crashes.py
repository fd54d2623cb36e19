"""Killed in the middle of a step of each pattern: each job ends, and no finished step is done again.

One crash hits them all: seven jobs are brought to a halt in the middle of one step each, then the workers' process gets
SIGKILL, and the aggregator's as well: the step is done by another process, and each pattern is replayed from its top.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from penstock.contracts.events import Event, JobCompleted, StepCompleted
from penstock.contracts.journal import Outcome
from penstock.document import Document
from penstock.jetstream.connection import connect
from penstock.local.stack import Stack
from penstock.patterns.loading import load
from penstock.settings import Settings
from tests.patterns.plans import output, plan, task
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline
from tests.support.simulator import Steering

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATTERNS = load(["examples.debate.pattern:PATTERN"])
#: pattern -> the step in whose middle the process dies, and the steps that are finished by then.
CRASHES = {
    "sequential-processing": ("improve-1", {"draft-1", "evaluate-1"}),
    "routing": ("respond-1", {"classify-1"}),
    "parallel-processing": ("review-performance-1", {"review-security-1", "review-maintainability-1"}),
    "orchestrator-worker": ("task-1", {"plan-1", "task-0", "task-2"}),
    "evaluator-optimizer": ("improve-translation-1", {"translate-1", "evaluate-translation-1"}),
    "multi-step-tool-usage": ("think-2", {"think-1", "call-1-1", "call-1-2"}),
    "debate": ("contra-2", {"pro-1", "contra-1", "pro-2"}),
}
TOOLS = [{"name": "calculate", "args": {"expression": expression}} for expression in ("80 * 0.85", "6 * 7")]


@dataclass
class Crash:
    """By pattern: its job, what the journal had of it just before the crash, and all events at its end."""

    pipeline: Pipeline
    jobs: dict[str, str]
    before: dict[str, dict[str, Outcome]]
    events: dict[str, list[Event]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crash(stack: Stack, shared_simulator: str) -> AsyncIterator[Crash]:
    async with AsyncExitStack() as resources:
        gemini = await resources.enter_async_context(Steering(shared_simulator))
        settings = Settings(nats_url=stack.nats_url, model_base_url=shared_simulator)
        bus = await connect(settings, "test")
        resources.push_async_callback(bus.connection.close)
        pipeline = Pipeline(settings, bus, gemini)
        await steer(gemini)
        jobs = {name: await pipeline.submit(name, request(name)) for name in CRASHES}
        await gemini.wait(held="middle", count=len(CRASHES))
        await asyncio.gather(*(finished(pipeline, jobs[name], keys) for name, (_, keys) in CRASHES.items()))
        before = {name: await pipeline.outcomes(job) for name, job in jobs.items()}
        for process in stack.processes:
            if process.name.startswith(("workers", "aggregator")):
                process.kill()
        await gemini.wait(status="disconnected", count=len(CRASHES))
        await gemini.release("middle")
        events = {name: await pipeline.events(job) for name, job in jobs.items()}
        yield Crash(pipeline, jobs, before, events)
        await gemini.clear()


async def steer(gemini: Steering) -> None:
    await gemini.clear()
    for key, _ in CRASHES.values():
        await gemini.rule(key=key, times=1, reply={"hold": "middle"})
    await gemini.rule(key="plan-1", reply=plan(task("a"), task("b", "a"), task("c", "a"), task("d", "b", "c")))
    await gemini.rule(step="execute-backend", reply=output())
    await gemini.rule(key="think-1", reply={"functionCalls": TOOLS})


def request(pattern: str) -> dict[str, Any]:
    body: dict[str, Any] = PATTERNS[pattern].example.model_dump(mode="json", by_alias=True)
    return body


async def finished(pipeline: Pipeline, job: str, keys: set[str]) -> None:
    left = set(keys)
    async with asyncio.timeout(PATIENCE), aclosing(pipeline.following(job)) as events:
        async for event in events:
            if isinstance(event, StepCompleted):
                left.discard(event.key)
            if not left:
                return


@pytest.mark.parametrize("pattern", CRASHES)
async def test_the_job_ends_valid_and_nothing_finished_is_done_again(crash: Crash, pattern: str) -> None:
    """The model is asked twice for the step that was cut off, and once for each other."""
    job, (held, done), end = crash.jobs[pattern], CRASHES[pattern], crash.events[pattern][-1]
    assert isinstance(end, JobCompleted), end
    PATTERNS[pattern].result.model_validate(end.result)

    asked = Counter(call.key for call in await crash.pipeline.gemini.calls(job=job))
    assert {key: times for key, times in asked.items() if times > 1} == {held: 2}
    after = await crash.pipeline.outcomes(job)
    assert {key: outcome.attempt for key, outcome in after.items() if outcome.attempt > 1} == {held: 2}
    assert set(crash.before[pattern]) == done
    assert {key: after[key] for key in done} == crash.before[pattern]


@pytest.mark.parametrize("pattern", CRASHES)
async def test_whoever_follows_the_events_arrives_at_the_result(crash: Crash, pattern: str) -> None:
    """What the killed attempt had shown is forgotten, and all of the result was streamed."""
    *growing, end = crash.events[pattern]
    assert isinstance(end, JobCompleted), end
    document = Document()
    for event in growing:
        document.apply(event)
    assert document.value == end.result
