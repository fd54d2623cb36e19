"""Steps that wait for something of their own keep no other step waiting."""

import asyncio
from typing import Any

from penstock_workers.tools import tool_executable

from penstock.contracts.step import Step
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.pattern import Pattern
from penstock.settings import Settings
from penstock.steps.executor import Executable
from penstock.steps.service import build_step_service
from penstock.tools import TOOLS
from penstock.tools.calculate import CalculateOutput
from penstock.tools.sandbox import Sandbox
from tests.steps.step_harness import STEPS, StepHarness
from tests.support.patience import PATIENCE
from tests.support.pipeline import running
from tests.support.simulator import Steering

BY_NAME = {step.name: step for step in STEPS}


async def test_tools_that_wait_hold_no_slot_of_a_model_step(settings: Settings, gemini: Steering) -> None:
    """There are more calculations than all slots could take, and none of them ends."""
    settings = settings.model_copy(update={"slots": 2})
    waiting, end = asyncio.Semaphore(0), asyncio.Event()

    async def wait(request: Any, *, model: Any) -> CalculateOutput:
        waiting.release()
        await end.wait()
        return CalculateOutput(expression=request.expression, success=True, result="1")

    def held(_: Pattern[Any, Any], step: Step[Any, Any]) -> Executable:
        return Executable(step, wait, uses_model=False, slots=2)

    bus = await connect(settings, "test")
    try:
        await declare(bus.jetstream, settings)
        calculations = [StepHarness(bus, gemini, settings) for _ in range(5)]
        async with running(
            build_step_service("workers", settings, special={"calculate": held}, only=("calculate", "draft"))
        ):
            for calculation in calculations:
                await calculation.dispatch(BY_NAME["calculate"])
            async with asyncio.timeout(PATIENCE):
                await waiting.acquire()
                await waiting.acquire()
            assert (await StepHarness(bus, gemini, settings).done(BY_NAME["draft"])).failure is None
            assert waiting.locked(), "a third calculation has begun"
            end.set()
            for calculation in calculations:
                assert (await calculation.outcome()).failure is None
    finally:
        await bus.connection.close()


def test_there_are_as_many_calls_of_a_tool_as_sandboxes() -> None:
    for tool in TOOLS.values():
        assert tool_executable(Sandbox(size=3), tool, None, tool.step).slots == 3  # type: ignore[arg-type]
