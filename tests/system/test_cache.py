"""Equal requests at once are one model call a step, whichever process dies: on processes of their own."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from penstock.settings import Settings
from tests.support.pipeline import Pipeline, pipeline_of
from tests.support.replica import Replica
from tests.support.servers import NatsServer
from tests.support.simulator import Steering
from tests.support.waiting import Waiting

QUERY = {"query": "Our API answers 502 since the deploy"}
JOBS = 100
#: Of one worker: those that wait take them, too.
SLOTS = 32


@pytest.fixture
def settings(nats: NatsServer, gemini_url: str) -> Settings:
    return Settings(nats_url=nats.url, model_base_url=gemini_url, cache=True, ack_wait=10)


Start = Callable[[str], Awaitable[Replica]]


@asynccontextmanager
async def starting(settings: Settings) -> AsyncIterator[Start]:
    """Starts processes that end with the block."""
    async with AsyncExitStack() as stack:

        async def start(kind: str) -> Replica:
            replica = Replica(kind)
            stack.push_async_callback(replica.end)
            own: dict[str, Any] = {"model_base_url": settings.model_base_url, "ack_wait": settings.ack_wait}
            await replica.start(settings, slots=SLOTS, cache=True, **own)
            return replica

        yield start


async def one_answer_each(pipeline: Pipeline, jobs: list[str]) -> None:
    """All have the same result, and ended once."""
    results = await asyncio.gather(*map(pipeline.result, jobs))
    assert all(result == results[0] for result in results)
    ends = await asyncio.gather(*map(pipeline.end, jobs))
    calls = sum(end.usage.calls for end in ends)
    assert calls == len(await pipeline.gemini.calls(status="completed"))


async def test_a_hundred_equal_requests_are_one_call_a_step(settings: Settings, gemini: Steering) -> None:
    settings = settings.model_copy(update={"ack_wait": 30})  # nobody dies, however busy the machine is
    async with pipeline_of(settings, gemini) as pipeline, starting(settings) as start:
        await asyncio.gather(*map(start, ("aggregator", "classifier", "workers", "workers")))
        jobs = await asyncio.gather(*(pipeline.submit("routing", QUERY) for _ in range(JOBS)))
        await one_answer_each(pipeline, jobs)
        assert Counter(call.step for call in await gemini.calls()) == {"classify": 1, "respond": 1}


async def test_another_worker_takes_over_from_one_that_is_killed_while_it_asks(
    settings: Settings, gemini: Steering
) -> None:
    """The others wait for its reply, and for as long as it may live; its own step is executed again, too."""
    await gemini.rule(step="respond", times=1, reply={"hold": "for ever"})
    async with pipeline_of(settings, gemini) as pipeline, starting(settings) as start:
        await asyncio.gather(*map(start, ("aggregator", "classifier")))
        asking = await start("workers")
        first = await pipeline.submit("routing", QUERY)
        await gemini.wait(step="respond", held="for ever")
        async with Waiting(pipeline.bus) as waiting:
            await start("workers")
            jobs = await asyncio.gather(*(pipeline.submit("routing", QUERY) for _ in range(JOBS - 1)))
            await waiting.more(SLOTS)
        await asking.end()
        await one_answer_each(pipeline, [first, *jobs])
        calls = await gemini.calls(step="respond")
        assert [call.status for call in calls] == ["disconnected", "completed"]
        print(f"taken over {calls[1].started_at - (calls[0].ended_at or 0):.2f} s after its death")
        assert len(await gemini.calls(step="classify")) == 1
