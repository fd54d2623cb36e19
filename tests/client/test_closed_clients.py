"""A client that is closed while somebody waits for it says so; nothing that was asked of it is without an answer."""

import asyncio
from collections import Counter
from threading import Barrier, Thread
from typing import cast

import pytest

from penstock.client import Client, Unreachable
from penstock.client.sync import SyncClient
from penstock.contracts.events import JobAccepted
from penstock.simulator.wire import Reply
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline

QUERY = {"query": "Our API answers 502 since the deploy"}


async def test_a_job_that_goes_on_has_not_ended_for_who_follows_it(client: Client, pipeline: Pipeline) -> None:
    """Neither for one that follows events, nor for one that awaits the result, nor for one that comes too late."""
    await pipeline.gemini.rule(step="respond", reply=Reply(hold="respond"))
    events = client.stream("routing", QUERY)
    assert isinstance(await anext(events), JobAccepted)

    async def rest() -> None:
        async for _ in events:
            pass

    waiting = [asyncio.create_task(rest()), asyncio.create_task(client.run("routing", QUERY))]
    async with asyncio.timeout(PATIENCE):
        while len(client._reading) < 2:
            await asyncio.sleep(0)
    await client.aclose()
    for task in waiting:
        with pytest.raises(Unreachable, match=r"(?i)closed"):
            await task
    with pytest.raises(Unreachable):
        await client.check()
    with pytest.raises(Unreachable, match=r"(?i)closed"):
        await client.state(events.job)
    with pytest.raises(Unreachable, match=r"(?i)closed"):
        await anext(client.follow(events.job))
    await pipeline.gemini.release("respond")


async def test_what_is_closed_by_its_own_reader_just_ends(client: Client, pipeline: Pipeline) -> None:
    await pipeline.gemini.rule(step="respond", reply=Reply(hold="respond"))
    events = client.stream("routing", QUERY)
    await anext(events)

    async def rest() -> int:
        return len([event async for event in events])

    waiting = asyncio.create_task(rest())
    await asyncio.sleep(0)
    await events.aclose()
    assert await waiting >= 0
    await pipeline.gemini.release("respond")


class _Answering:
    """Answers soon, so that calls are made all the time."""

    async def __aenter__(self) -> "_Answering":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def check(self) -> None:
        await asyncio.sleep(0.001)


def test_calls_of_other_threads_end_when_a_client_is_closed() -> None:
    """Whether they are under way, are just being given to its loop, or come after it: Unreachable."""
    ended = Counter[str]()

    def call_on(client: SyncClient, begun: Barrier) -> None:
        begun.wait()
        try:
            while True:
                client.check()
        except BaseException as error:
            ended[type(error).__name__] += 1

    for _ in range(60):
        client, begun = SyncClient(cast(Client, _Answering())), Barrier(4)
        threads = [Thread(target=call_on, args=(client, begun), daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        begun.wait()
        client.close()
        for thread in threads:
            thread.join(PATIENCE)
    assert ended == {"Unreachable": 180}
