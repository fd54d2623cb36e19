"""The whole system in one process, as tests talk to it: over NATS, like any caller."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from penstock_aggregator.service import build as build_aggregator
from penstock_classifier.service import build as build_classifier
from penstock_workers.service import build as build_workers

from penstock import jobs
from penstock.contracts.events import Event, JobCompleted, JobFailed
from penstock.contracts.job import Snapshot
from penstock.contracts.journal import END, JobEnd, Outcome
from penstock.hosting.service import Service
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.jobs.follow import Follower
from penstock.settings import Settings
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.record import outcomes
from tests.support.settling import Settlements
from tests.support.simulator import Steering

BUILD = {"aggregator": build_aggregator, "classifier": build_classifier, "workers": build_workers}


class Replica:
    """A service that runs in this process."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        await self._stack.enter_async_context(running(self.service))

    async def stop(self, *, grace: float | None = None) -> None:
        """End it as SIGTERM does; `grace` overrides its setting: 0 leaves running work no time at all."""
        if grace is not None:
            await self.service.stop(grace)
        await self._stack.aclose()


class Pipeline:
    """Use as `async with`. `gemini` steers the model, `bus` is a connection of the test's own."""

    def __init__(self, settings: Settings, bus: Bus, gemini: Steering) -> None:
        self.settings, self.bus, self.gemini = settings, bus, gemini
        #: The first of its kind that was started.
        self.replicas: dict[str, Replica] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Pipeline":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def start(self, kind: str, *, steps: Sequence[str] | None = None, **changed: Any) -> Replica:
        """Start one more aggregator, classifier or workers, with some settings changed. It ends with the test.

        `steps`: workers for these only.
        """
        settings = self.settings.model_copy(update=changed)
        replica = Replica(build_workers(settings, steps) if steps else BUILD[kind](settings))
        await replica.start()
        self._stack.push_async_callback(replica.stop)
        self.replicas.setdefault(kind, replica)
        return replica

    async def stop(self, kind: str, *, grace: float | None = None) -> None:
        """End the first of a kind."""
        await self.replicas.pop(kind).stop(grace=grace)

    async def submit(self, pattern: str, body: dict[str, Any] | bytes, job: str | None = None) -> str:
        """Publish a job as a NATS caller does."""
        job = job or jobs.new_job_id()
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        await self.bus.once(subjects.job(pattern, named(job)), data)
        return job

    async def events(self, job: str) -> list[Event]:
        """All events of a job, once it has ended."""
        async with asyncio.timeout(PATIENCE):
            return [event async for event in self.following(job)]

    async def following(self, job: str) -> AsyncGenerator[Event, None]:
        """A job's events as they come."""
        async with Follower(self.bus, named(job)) as follower:
            async for batch in follower:
                for delivered in batch:
                    if not isinstance(delivered.event, Snapshot):
                        yield delivered.event

    async def result(self, job: str) -> dict[str, Any]:
        """The result of a job that must succeed."""
        end = (await self.events(job))[-1]
        assert isinstance(end, JobCompleted), end
        return end.result

    async def run(self, pattern: str, body: dict[str, Any], job: str | None = None) -> dict[str, Any]:
        """Submit a job and await its result."""
        return await self.result(await self.submit(pattern, body, job))

    async def failure(self, job: str) -> JobFailed:
        """The failure of a job that must fail."""
        end = (await self.events(job))[-1]
        assert isinstance(end, JobFailed), end
        return end

    async def outcomes(self, job: str) -> dict[str, Outcome]:
        """The journal's outcomes by key."""
        return await outcomes(self.bus, job)

    async def end(self, job: str) -> JobEnd:
        (stored,) = await self.bus.last_from_any_replica([subjects.journal(named(job), END)])
        return JobEnd.model_validate_json(stored.data)

    def settlements(self) -> Settlements:
        """Hears how services settle messages, from entry to exit."""
        return Settlements(self.bus)

    async def dead_letters(self) -> list[dict[str, str]]:
        """The headers of all dead letters."""
        return [stored.headers async for stored in self.bus.history("dead.>")]


@asynccontextmanager
async def pipeline_of(settings: Settings, gemini: Steering, *kinds: str) -> AsyncIterator[Pipeline]:
    """On streams that have just been declared, one of each of `kinds`."""
    bus = await connect(settings, "test")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(bus.connection.close)
        await declare(bus.jetstream, settings)
        pipeline = await stack.enter_async_context(Pipeline(settings, bus, gemini))
        for kind in kinds:
            await pipeline.start(kind)
        yield pipeline


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[Service]:
    """A service, from start to clean stop, in a task of its own as it has in its process."""
    started, stop = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with service.app.start_lifespan_context():
            started.set()
            await stop.wait()

    living = asyncio.create_task(live())
    starting = asyncio.create_task(started.wait())
    await asyncio.wait((living, starting), return_when=asyncio.FIRST_COMPLETED)
    starting.cancel()
    try:
        if started.is_set():
            yield service
    finally:
        stop.set()
        await living
