"""Steps whose model has no room wait for it: in the whole fleet, without an attempt, and in nobody's way."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from penstock.contracts.events import StepQueued
from penstock.contracts.journal import END, JobEnd, Outcome
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.settings import Settings
from penstock.settings.model_limits import ModelLimit
from penstock.simulator.wire import Call
from penstock.steps import service
from tests.steps.step_harness import MODEL_STEPS, StepHarness
from tests.support.naming import named
from tests.support.pipeline import running
from tests.support.replica import Replica
from tests.support.settling import Settlements
from tests.support.simulator import Steering

DRAFT, EVALUATE = (next(step for step in MODEL_STEPS if step.name == name) for name in ("draft", "evaluate"))
STEPS = DRAFT.name, EVALUATE.name
ACK_WAIT = 6.0


@dataclass
class Fleet:
    """Workers on one NATS. `limited` is the model of DRAFT, `free` that of EVALUATE."""

    settings: Settings
    bus: Bus
    gemini: Steering
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def workers(self, count: int, *, slots: int = 4, **limit: int) -> None:
        """In this process, till the end of the test."""
        limits = {"limited": ModelLimit.model_validate(limit)} if limit else {}
        for _ in range(count):
            settings = self.settings.model_copy(update={"slots": slots, "model_limits": limits})
            await self._stack.enter_async_context(running(service.build("workers", settings, STEPS)))

    def steps(self, count: int) -> list[StepHarness]:
        return [StepHarness(self.bus, self.gemini, self.settings) for _ in range(count)]

    async def draft(self, count: int, *, deadline: float | None = None) -> list[StepHarness]:
        steps = self.steps(count)
        for step in steps:
            await step.dispatch(DRAFT, deadline=deadline)
        return steps

    async def evaluate(self) -> Outcome:
        return await self.steps(1)[0].done(EVALUATE)

    async def aclose(self) -> None:
        await self._stack.aclose()


@pytest.fixture
async def fleet(settings: Settings, gemini: Steering) -> AsyncIterator[Fleet]:
    models = {"complex_models": ("limited", "limited too"), "fast_models": ("free",), "ack_wait": ACK_WAIT}
    settings = settings.model_copy(update=models)
    bus = await connect(settings, "test")
    await declare(bus.jetstream, settings)
    fleet = Fleet(settings, bus, gemini)
    yield fleet
    await fleet.aclose()
    await bus.connection.close()


async def attempts(steps: Sequence[StepHarness]) -> list[int]:
    """Of steps that must succeed."""
    outcomes = [await step.outcome() for step in steps]
    assert [outcome.failure for outcome in outcomes] == [None] * len(steps)
    return [outcome.attempt for outcome in outcomes]


def at_once(calls: Sequence[Call]) -> int:
    """How many of the calls were under way together, at most."""
    changes = sorted(
        [(call.started_at, 1) for call in calls] + [(call.ended_at or call.started_at, -1) for call in calls]
    )
    running = peak = 0
    for _, change in changes:
        running += change
        peak = max(peak, running)
    return peak


async def test_no_more_calls_at_once_than_the_limit_and_others_pass(fleet: Fleet) -> None:
    """Two workers of four slots, thirty steps, three calls at once: what has no slot to wait in waits in its queue."""
    await fleet.gemini.rule(model="limited", reply={"hold": "gate"})
    await fleet.workers(2, concurrent=3)
    async with Settlements(fleet.bus) as settlements:
        steps = await fleet.draft(30)
        await fleet.gemini.wait(count=3, held="gate")
        await settlements.wait_for("NAK")
        assert (await fleet.evaluate()).failure is None
    assert len(await fleet.gemini.calls(model="limited")) == 3
    await fleet.gemini.release("gate")
    assert await attempts(steps) == [1] * 30
    calls = await fleet.gemini.calls(model="limited")
    assert (len(calls), at_once(calls)) == (30, 3)
    assert {one for step in steps for one in await step.types()} <= {"step.queued", "step.started"}


async def test_a_killed_worker_leaves_its_permits_to_others(fleet: Fleet) -> None:
    """Two of its four steps had begun; to those that waited it is no attempt."""
    await fleet.gemini.rule(model="limited", reply={"hold": "gate"})
    killed = Replica("workers")
    limits = '{"limited": {"concurrent": 2}}'
    await killed.start(
        fleet.settings,
        model_base_url=fleet.settings.model_base_url,
        model_limits=limits,
        complex_models="limited",
        fast_models="free",
        ack_wait=ACK_WAIT,
    )
    try:
        steps = await fleet.draft(4)
        begun = {call.job for call in await fleet.gemini.wait(count=2, held="gate")}
        await fleet.workers(1, concurrent=2)
        (last,) = await fleet.draft(1)
    finally:
        await killed.end()
    await fleet.gemini.release("gate")
    assert await attempts([*steps, last]) == [2 if step.job in begun else 1 for step in [*steps, last]]
    assert at_once((await fleet.gemini.calls(model="limited"))[2:]) <= 2


async def test_nobody_asks_a_model_that_its_provider_refuses(fleet: Fleet) -> None:
    """One call is answered 429 with two seconds: no replica calls within them, but for other models."""
    await fleet.gemini.rule(model="limited", times=1, fault={"status": 429, "retryDelay": 2})
    await fleet.workers(2, slots=8)
    (refused,) = await fleet.draft(1)
    (call,) = await fleet.gemini.wait(model="limited", status="failed")
    while "step.retrying" not in await refused.types():
        await asyncio.sleep(0.01)
    steps = await fleet.draft(10)
    assert (await fleet.evaluate()).failure is None
    assert len(await fleet.gemini.calls(model="limited")) == 1
    assert await attempts([refused, *steps]) == [2, *[1] * 10]
    later = [one.started_at for one in await fleet.gemini.calls(model="limited")][1:]
    assert call.ended_at is not None
    assert min(later) >= call.ended_at + 1.5
    assert max(later) - min(later) > 0.3, "all at once"


async def test_a_pause_that_outlasts_the_job_leaves_it_to_the_fallback(fleet: Fleet) -> None:
    await fleet.gemini.rule(model="limited", fault={"status": 429, "retryDelay": 3600})
    await fleet.workers(1)
    (step,) = await fleet.draft(1, deadline=time.time() + 40)
    assert await attempts([step]) == [4]
    assert [call.model for call in await fleet.gemini.calls(job=step.job)] == ["limited", "limited too"]


async def test_the_minutes_tokens_are_what_the_calls_took(fleet: Fleet) -> None:
    """They are booked as thought, and corrected by what the model reports."""
    await fleet.workers(1, tokensPerMinute=1_000_000, requestsPerMinute=10)
    steps = await fleet.draft(3)
    assert await attempts(steps) == [1] * 3
    usages = [(await step.outcome()).usage for step in steps]
    took = sum(usage.prompt_tokens + usage.output_tokens + usage.thinking_tokens for usage in usages)
    booked = None
    while booked != [3, took]:
        await asyncio.sleep(0.01)
        stored = await fleet.bus.last_from_leader(subjects.model_pace("limited"))
        assert stored is not None
        seconds = [*json.loads(stored.data).values()]
        booked = [sum(second[place] for second in seconds) for place in range(2)]


async def test_a_step_that_waits_ends_with_its_job(fleet: Fleet) -> None:
    """By a cancel, or by the deadline: at once, and without a call."""
    await fleet.gemini.rule(model="limited", reply={"hold": "gate"})
    await fleet.workers(1, concurrent=1)
    (first,) = await fleet.draft(1)
    await fleet.gemini.wait(count=1, held="gate")
    (late,) = await fleet.draft(1, deadline=time.time() + 1)
    outcome = await late.outcome()
    assert outcome.failure is not None
    assert outcome.failure.code == "deadline_exceeded"
    async with Settlements(fleet.bus) as settlements:
        (cancelled,) = await fleet.draft(1)
        await settlements.wait_for("WPI", 3)
        end = JobEnd(pattern="contract", status="cancelled", ended_at=time.time())
        await fleet.bus.once(subjects.journal(named(cancelled.job), END), end.model_dump_json().encode())
        await settlements.wait_for("ACK")
    assert "step.started" not in await cancelled.types()
    await fleet.gemini.release("gate")
    assert await attempts([first]) == [1]
    assert len(await fleet.gemini.calls(model="limited")) == 1


async def test_readers_are_told_what_a_step_waits_for(fleet: Fleet) -> None:
    await fleet.gemini.rule(model="limited", reply={"hold": "gate"})
    await fleet.workers(1, concurrent=1)
    await fleet.draft(1)
    await fleet.gemini.wait(count=1, held="gate")
    (step,) = await fleet.draft(1)
    while "step.queued" not in await step.types():
        await asyncio.sleep(0.05)
    await fleet.gemini.release("gate")
    assert await attempts([step]) == [1]
    assert await step.types() == ["step.queued", "step.started"]
    (told,) = [event for event in await step.events() if isinstance(event, StepQueued)]
    assert (told.model, told.depth, told.served) == ("limited", 1, True)


async def test_a_step_that_waits_is_handed_back_at_once_when_its_worker_ends(fleet: Fleet) -> None:
    """What has begun has the time that it may take."""
    await fleet.gemini.rule(model="limited", reply={"hold": "gate"})
    settings = fleet.settings.model_copy(update={"model_limits": {"limited": ModelLimit(concurrent=1)}, "grace": 60})
    async with Settlements(fleet.bus) as settlements:
        async with running(service.build("workers", settings, STEPS)) as ending:
            steps = await fleet.draft(2)
            await fleet.gemini.wait(count=1, held="gate")
            while ending.in_flight < 2:
                await asyncio.sleep(0.01)
            stopping = asyncio.create_task(ending.stop())
            await settlements.wait_for("NAK")
            await fleet.gemini.release("gate")
            await stopping
        await fleet.workers(1)
        assert await attempts(steps) == [1, 1]
