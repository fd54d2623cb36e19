"""Clients of server-sent events that come back by themselves: across replicas, one of which is killed."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, get_args

import httpx
import pytest
from httpx_sse import aconnect_sse

from penstock.contracts.events import Event
from penstock.simulator.wire import Pace, Reply
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline
from tests.support.record import Message, delivered, record
from tests.support.replica import Replica
from tests.system.real_clients import node
from tests.system.real_clients.switch import Switch

pytestmark = pytest.mark.usefixtures("npm")

NAMES = ["snapshot", *(event.model_fields["type"].default for event in get_args(get_args(Event)[0]))]
NODE_CLIENTS = ("eventsource", "fetch-event-source")
#: Some two seconds of text.
LONG = Reply(text="The lamp that waits. " * 60, pace=Pace(ttft=0.1, tokens_per_second=150))


async def httpx_sse(url: str) -> AsyncIterator[dict[str, Any]]:
    """As its documentation has it: come back with the last id until the job has ended."""
    last = ""
    async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
        while True:
            headers = {"Last-Event-ID": last} if last else {}
            try:
                async with aconnect_sse(http, "GET", url, headers=headers) as source:
                    if source.response.status_code == 204:
                        return
                    source.response.raise_for_status()
                    yield {"opened": True}
                    async for event in source.aiter_sse():
                        last = event.id
                        yield {"type": event.event, "id": event.id, "data": event.data}
            except httpx.HTTPError:
                pass


@asynccontextmanager
async def client(name: str, url: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """What a client says, as it comes."""
    if name == "httpx-sse":
        yield httpx_sse(url)
    else:
        async with node.running("event-streams.mjs", name, url, *NAMES) as said:
            yield said


class Readers:
    """All kinds of clients reading one job, and a way to wait until all have got somewhere."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.found: dict[str, list[Message]] = {name: [] for name in ("httpx-sse", *NODE_CLIENTS)}
        self.opened = dict.fromkeys(self.found, 0)
        self._changed = asyncio.Event()
        self._reading: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Readers":
        self._reading = [asyncio.create_task(self._read(name)) for name in self.found]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)

    async def until(self, reached: Callable[[list[Message], int], bool]) -> None:
        """Until that holds for the messages, and the number of connections, of each client."""
        async with asyncio.timeout(PATIENCE):
            while not all(reached(self.found[name], self.opened[name]) for name in self.found):
                for task in self._reading:
                    if task.done():
                        task.result()
                self._changed.clear()
                await self._changed.wait()

    async def ended(self) -> None:
        """Until all clients have stopped by themselves."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*self._reading)

    async def _read(self, name: str) -> None:
        async with client(name, self._url) as said:
            async for one in said:
                if "type" in one:
                    self.found[name].append(one)
                self.opened[name] += "opened" in one
                self._changed.set()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "terminated"])
async def test_no_event_is_lost_doubled_or_out_of_order_when_a_replica_dies(
    pipeline: Pipeline, replicas: tuple[Replica, Replica], switch: Switch, how: signal.Signals
) -> None:
    """While text streams, the replica that serves all of them ends; each goes on at the other one.

    The job ends after that only, however slow the clients are.
    """
    await pipeline.gemini.rule(step="draft", reply=LONG)
    await pipeline.gemini.rule(step="evaluate", reply=Reply(hold="the rest", hold_before=True))
    job = await pipeline.submit("sequential-processing", {"input": "a lamp"})
    async with Readers(f"{switch.url}/jobs/{job}/events") as readers:
        await readers.until(lambda found, _: sum(one["type"] == "delta" for one in found) > 10)
        await replicas[0].end(how)
        await pipeline.gemini.release("the rest")
        await readers.ended()
    expected = await record(pipeline.bus, job)
    assert expected[-1]["type"] == "job.completed"
    for name, found in readers.found.items():
        assert delivered(found) == expected, name
        assert readers.opened[name] >= 2, f"{name} did not come back"


async def test_heartbeats_are_no_messages(
    pipeline: Pipeline, replicas: tuple[Replica, Replica], switch: Switch
) -> None:
    """While a quiet stream says that it lives, no client sees anything, be it new or resumed."""
    await pipeline.gemini.rule(step="respond", reply=Reply(hold="respond"))
    job = await pipeline.submit("routing", {"query": "The API answers 502"})
    beats = {"seen": 0}
    enough = asyncio.Event()

    def count(sent: bytes) -> int:
        beats["seen"] = max(beats["seen"], sent.count(b"\n:\n"))
        if beats["seen"] > 10:
            enough.set()
        return len(sent)

    switch.cut = count
    async with Readers(f"{switch.url}/jobs/{job}/events") as readers:
        await readers.until(lambda found, _: bool(found) and found[-1]["type"] == "delta")
        async with asyncio.timeout(PATIENCE):
            await enough.wait()
        beats["seen"] = 0
        enough.clear()
        await replicas[0].end()
        await readers.until(lambda _, opened: opened == 2)
        async with asyncio.timeout(PATIENCE):
            await enough.wait()
        await pipeline.gemini.release("respond")
        await readers.ended()
    expected = await record(pipeline.bus, job)
    assert all(delivered(found) == expected for found in readers.found.values())


async def test_a_connection_that_breaks_within_an_event_loses_none(
    pipeline: Pipeline, replicas: tuple[Replica, Replica], switch: Switch
) -> None:
    """Cut in the middle of data, an event was not received: also for clients that take an id as they read it."""
    job = await pipeline.submit("routing", {"query": "The API answers 502"})
    await pipeline.result(job)
    cuts = {"left": 12}

    def within(sent: bytes) -> int:
        place = sent.find(b"data: ", sent.find(b"data: ") + 1)
        if place < 0 or not cuts["left"]:
            return len(sent)
        cuts["left"] -= 1
        return place + 20

    switch.cut = within
    async with Readers(f"{switch.url}/jobs/{job}/events") as readers:
        await readers.ended()
    assert cuts["left"] == 0
    expected = await record(pipeline.bus, job)
    for name, found in readers.found.items():
        assert delivered(found) == expected, name
