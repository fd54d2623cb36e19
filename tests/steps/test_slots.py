"""Steps that wait for something of their own keep no other step waiting."""

import asyncio
from collections import defaultdict

from penstock import Pattern, PatternRequest, Run, Step, Wire
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.settings import Settings
from penstock.steps import service
from penstock.tools import TOOLS
from penstock.tools.sandbox import CHILDREN
from tests.steps.step_harness import PATTERN_OF, STEPS, StepHarness
from tests.support.patience import PATIENCE
from tests.support.pipeline import running
from tests.support.simulator import Steering

DRAFT = next(step for step in STEPS if step.name == "draft")


class Waiting(Wire):
    pass


class Held:
    """Those that wait; all may end once `end` is set. A test has one to itself: what it is given is its loop's."""

    def __init__(self) -> None:
        self.waiting, self.end = asyncio.Semaphore(0), asyncio.Event()


_HELD = defaultdict[asyncio.AbstractEventLoop, Held](Held)


async def wait(request: Waiting) -> Waiting:
    held = _HELD[asyncio.get_running_loop()]
    held.waiting.release()
    await held.end.wait()
    return request


HOLD = Step(name="hold", input=Waiting, output=Waiting, do=wait, slots=2)


async def hold(run: Run, request: PatternRequest) -> Waiting:
    return await run.step(HOLD, Waiting(), into="")


PATTERN = Pattern(
    name="holding",
    summary="Wait.",
    run=hold,
    request=PatternRequest,
    result=Waiting,
    steps=(HOLD,),
    example=PatternRequest(),
)

PATTERN_OF[HOLD] = PATTERN.name


async def test_steps_with_slots_of_their_own_hold_none_of_others(settings: Settings, gemini: Steering) -> None:
    """There are more of them than all slots could take, and none of them ends."""
    settings = settings.model_copy(update={"slots": 2, "patterns": (f"{__name__}:PATTERN",)})
    held = _HELD[asyncio.get_running_loop()]
    bus = await connect(settings, "test")
    try:
        await declare(bus.jetstream, settings)
        jobs = [StepHarness(bus, gemini, settings) for _ in range(5)]
        async with running(service.build("workers", settings, ("holding/hold", "draft"))):
            for job in jobs:
                await job.dispatch(HOLD)
            async with asyncio.timeout(PATIENCE):
                await held.waiting.acquire()
                await held.waiting.acquire()
            assert (await StepHarness(bus, gemini, settings).done(DRAFT)).failure is None
            assert held.waiting.locked(), "a third has begun"
            held.end.set()
            for job in jobs:
                assert (await job.outcome()).failure is None
    finally:
        await bus.connection.close()


def test_there_are_as_many_calls_of_a_tool_as_sandboxes() -> None:
    assert {tool.step.slots for tool in TOOLS.values()} == {CHILDREN}
