"""Equal questions that are in flight at once."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from penstock.contracts.turns import Kept, TextPiece, ToolCall
from penstock.errors import Failure, ModelUnavailable
from penstock.jetstream.bus import Bus
from penstock.jobs.ending import cancel
from penstock.llm.client import Llm
from penstock.llm.limits.turns import Crowded
from penstock.steps.replies import Replies
from tests.llm.asking import PROMPT, asker
from tests.llm.cache.caching import QUERY, asked_by, calls
from tests.support.naming import named
from tests.support.pipeline import Pipeline
from tests.support.simulator import Steering
from tests.support.waiting import Waiting


async def test_equal_questions_at_once_are_asked_once(llm: Llm, steering: Steering, replies: Replies, bus: Bus) -> None:
    await steering.rule(reply={"hold": "it"})
    async with Waiting(bus) as waiting, asyncio.TaskGroup() as group:
        asked = [group.create_task(asker(llm, cache=asked_by(replies, n)).text(PROMPT)) for n in range(5)]
        await waiting.more(4)
        await steering.release("it")
    assert len({task.result() for task in asked}) == 1
    assert await calls(steering) == 1


async def test_where_the_model_failed_each_asks_for_itself(
    llm: Llm, steering: Steering, replies: Replies, bus: Bus
) -> None:
    """Nobody fails with another one's call."""
    await steering.rule(times=1, reply={"hold": "it", "holdBefore": True, "finishReason": "OTHER"})
    async with Waiting(bus) as waiting:
        first = asyncio.ensure_future(asker(llm, cache=replies).text(PROMPT))
        await steering.wait(held="it")
        others = asyncio.gather(*(asker(llm, cache=asked_by(replies, n)).text(PROMPT) for n in range(3)))
        await waiting.more(3)
    await steering.release("it")
    with pytest.raises(ModelUnavailable):
        await first
    answers = await others
    assert await calls(steering) == 4
    assert await asker(llm, cache=replies).text(PROMPT) in answers


class Full:
    """A door to a model that turns away whoever comes, once `closed` is set: too many wait there, or he cannot pay."""

    def __init__(self, llm: Llm, why: Exception) -> None:
        self.identity, self.closed, self._why = llm.identity, asyncio.Event(), why

    async def stream(self, *_: Any, **__: Any) -> AsyncGenerator[TextPiece | ToolCall, None]:
        await self.closed.wait()
        raise self._why
        yield TextPiece(text="")


@pytest.mark.parametrize("why", [Crowded(), Failure("budget_exceeded", "")], ids=["no room to wait", "no money"])
async def test_one_of_those_that_wait_asks_where_the_asker_did_not(
    llm: Llm, steering: Steering, replies: Replies, bus: Bus, why: Exception
) -> None:
    """The model has not failed."""
    full = Full(llm, why)
    async with Waiting(bus) as waiting:
        first = asyncio.ensure_future(asker(full, cache=replies).text(PROMPT))
        while not await bus.last_from_leader("cache.>"):
            await asyncio.sleep(0)
        others = asyncio.gather(*(asker(llm, cache=asked_by(replies, n)).text(PROMPT) for n in range(3)))
        await waiting.more(3)
    full.closed.set()
    with pytest.raises(type(why)):
        await first
    assert len({*await others}) == 1
    assert await calls(steering) == 1


async def test_a_step_that_is_delivered_again_does_not_wait_for_its_own_claim(
    llm: Llm, steering: Steering, replies: Replies
) -> None:
    """Who made it is dead, or stands still; what that one says later is as good a reply."""
    await steering.rule(times=1, reply={"hold": "it", "holdBefore": True})
    first = asyncio.ensure_future(asker(llm, cache=replies).text(PROMPT))
    await steering.wait(held="it")
    await asker(llm, cache=replies).text(PROMPT)
    await steering.release("it")
    assert await first == await asker(llm, cache=replies).text(PROMPT)
    assert await calls(steering) == 2


async def test_one_of_those_that_wait_takes_over_from_a_job_that_is_cancelled(
    pipeline: Pipeline, gemini: Steering
) -> None:
    """At once: its claim would have held for longer than this test may take."""
    await gemini.rule(times=1, step="classify", reply={"hold": "for ever"})
    first = await pipeline.submit("routing", QUERY)
    await gemini.wait(held="for ever")
    async with Waiting(pipeline.bus) as waiting:
        others = [await pipeline.submit("routing", QUERY) for _ in range(3)]
        await waiting.more(3)
    await cancel(pipeline.bus, named(first))
    results = [await pipeline.result(job) for job in others]
    assert results[0] == results[1] == results[2]
    assert [call.step for call in await gemini.calls()] == ["classify", "classify", "respond"]


async def test_a_reply_that_is_too_large_is_given_and_not_kept(replies: Replies, bus: Bus) -> None:
    large, held, asked = "x" * bus.max_body, asyncio.Event(), list[str]()

    async def ask() -> tuple[str, Kept]:
        asked.append("once")
        await held.wait()
        return large, Kept.of("a model", [TextPiece(text=large)])

    async with Waiting(bus) as waiting, asyncio.TaskGroup() as group:
        of = [asked_by(replies, n) for n in range(2)]
        asking = [group.create_task(one.reply("key", lambda kept: kept.model, ask)) for one in of]
        await waiting.more()
        held.set()
    assert [task.result() for task in asking] == [(large, None)] * 2
    assert len(asked) == 2
