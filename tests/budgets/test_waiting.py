"""A call that waits for what others hold waits as long as they may need, and keeps nobody else waiting."""

import asyncio
import time

import pytest

from penstock.budgets import purse as purses
from penstock.budgets.pots import Pot, pots_of
from penstock.budgets.purse import Purse
from penstock.contracts.usage import Usage
from penstock.contracts.wire import JobName
from penstock.errors import Failure
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.counters import add, value
from penstock.jobs.submission import new_job_id
from penstock.llm.usage import Meter
from penstock.settings import Settings
from tests.support.pipeline import pipeline_of
from tests.support.simulator import Steering

MODEL = "gemini-3.8-flash"
#: Seconds of one tenant's job that has another's beside it: far below those for which a call waits for others.
SOON = 30


def pot(name: str, limit: int) -> Pot:
    return Pot("the budget of the test", "tokens", limit, name)


async def test_a_call_that_is_cancelled_at_any_moment_holds_nothing(bus: Bus) -> None:
    """While it reads, while it adds, and afterwards: the worker lives, so nothing counts as spent."""

    async def call(paid: Pot) -> None:
        async with Purse(bus, [paid]).paying(100, 4_000, MODEL, Meter()):
            await asyncio.Event().wait()

    async def cancelled(after: float) -> tuple[float, int]:
        paid = pot(f"cancelled-{after * 1e6:.0f}", 1_000_000)
        calling = asyncio.create_task(call(paid))
        await asyncio.sleep(after)
        calling.cancel()
        await asyncio.wait({calling})
        return after, await value(bus, paid.held)

    held = [await cancelled(number * 0.000_1) for number in range(80)]
    assert [one for one in held if one[1]] == []


async def test_a_call_that_takes_its_time_is_waited_for(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as it may take; who is dead is not, even where many wait."""
    monkeypatch.setattr(purses, "_PATIENCE", 0.5)
    paid = pot("slow", 10_000)

    async def slow() -> None:
        meter = Meter()
        async with Purse(bus, [paid], longest=60).paying(500, 8_192, MODEL, meter):
            await asyncio.sleep(4)
            meter.add(Usage(calls=1, prompt_tokens=500, output_tokens=500), MODEL)

    async def quick(longest: float) -> int:
        async with Purse(bus, [paid], longest=longest).paying(500, 8_192, MODEL, Meter()) as output:
            return output

    taking = asyncio.create_task(slow())
    await asyncio.sleep(0.2)
    refused = await asyncio.gather(*(quick(0) for _ in range(10)), return_exceptions=True)
    assert {one.code for one in refused if isinstance(one, Failure)} == {"budget_exceeded"}
    assert not taking.done()
    assert await quick(60) > 0
    await taking


async def test_calls_that_wait_take_no_slots_of_other_tenants(settings: Settings, gemini: Steering) -> None:
    """More of them than the workers have slots, and than they may lend."""
    settings = settings.model_copy(update={"slots": 2, "budgets": Settings(budgets="acme=30000tokens/month").budgets})
    async with pipeline_of(settings, gemini, "aggregator", "classifier", "workers") as pipeline:
        (own,) = pots_of(settings, JobName("acme", "x"), None, None, pipeline.bus.time.now())
        await add(pipeline.bus, own.held, 30_000)  # as workers do that are killed
        for number in range(8):
            waiting = subjects.job("routing", JobName("acme", new_job_id()))
            await pipeline.bus.once(waiting, f'{{"query": "Where is order {number}?"}}'.encode())
        await asyncio.sleep(2)
        began = time.monotonic()
        await pipeline.run("routing", {"query": "Where is my order?"})
        assert time.monotonic() - began < SOON
