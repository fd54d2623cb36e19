"""Real processes, and what can be done to them."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from penstock.contracts.events import EVENT, Event, JobCompleted
from penstock.contracts.journal import Outcome
from penstock.document import Document, LinearJSON, Reader, Shape
from penstock.errors import Diverged
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jobs import new_job_id
from penstock.local.process import Process
from penstock.local.stack import Stack
from penstock.patterns.loading import load
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.record import outcomes
from tests.support.simulator import Steering

PATTERNS = load()


class FaultHarness:
    """`bus` is a connection of the test's own, `gemini` steers the simulator's process."""

    def __init__(self, stack: Stack, bus: Bus, gemini: Steering) -> None:
        self.stack, self.bus, self.gemini = stack, bus, gemini
        self._paused: set[int] = set()

    def of(self, kind: str) -> list[Process]:
        return [process for process in self.stack.processes if process.name.partition("-")[0] == kind]

    def kill(self, process: Process) -> None:
        """SIGKILL. Its supervisor starts it again."""
        if process.pid is not None:
            os.kill(process.pid, signal.SIGKILL)

    def pause(self, process: Process) -> None:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)
        self._paused.add(process.pid)

    def resume(self, process: Process) -> None:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGCONT)
        self._paused.discard(process.pid)

    async def recovered(self) -> None:
        """Return once a job of each kind of service goes through again."""
        for pid in self._paused:
            os.kill(pid, signal.SIGCONT)
        job = await self.submit("routing", {"query": "Is everybody there?"})
        async with self.listening(job) as stream:
            await stream.result()

    async def submit(self, pattern: str, body: dict[str, Any]) -> str:
        job = new_job_id()
        await self.bus.once(subjects.job(pattern, named(job)), json.dumps(body).encode())
        return job

    @asynccontextmanager
    async def listening(self, job: str) -> AsyncIterator["SseStream"]:
        """One SSE response of the gateway, from the job's first event on."""
        url = f"{self.stack.gateway_urls[0]}/jobs/{job}/stream"
        async with (
            httpx.AsyncClient(timeout=60) as client,
            client.stream("GET", url, headers={"Accept": "text/event-stream"}) as response,
        ):
            assert response.status_code == 200, await response.aread()
            yield SseStream(response)

    async def outcomes(self, job: str) -> dict[str, Outcome]:
        return await outcomes(self.bus, job)


class SseStream:
    """Events of one response, in order, and what they amount to."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.events: list[Event] = []

    async def result(self) -> dict[str, Any]:
        """Read to the end. The job must succeed, and what was streamed must be its result."""
        async with asyncio.timeout(PATIENCE):
            async for line in self._response.aiter_lines():
                if line.startswith("data:"):
                    data = json.loads(line.removeprefix("data:"))
                    data.pop("seq", None)
                    self.events.append(EVENT.validate_python(data))
        return checked(self.events)

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]


def checked(events: list[Event], pattern: str | None = None) -> dict[str, Any]:
    """The result that these events end with. Each must be new, and together they must have shown the result."""
    reader, document = Reader(), Document()
    assert all(reader.accept(event) for event in events), "a reader was given something twice, or out of order"
    end = events[-1]
    assert isinstance(end, JobCompleted), end
    for event in events[:-1]:
        document.apply(event)
    assert document.value == end.result
    if pattern is not None:
        PATTERNS[pattern].result.model_validate(end.result)
        linear = LinearJSON(Shape.of(PATTERNS[pattern].result))
        try:
            assert json.loads("".join([linear.feed(event) for event in events])) == end.result
        except Diverged:  # a second attempt has other words: the text may break off, and only then
            assert any(event.type == "part.reset" for event in events)
    return end.result
