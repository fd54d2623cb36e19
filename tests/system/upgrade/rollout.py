"""Replicas of two releases on one NATS, and jobs that run while they are exchanged."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from penstock.client import HttpClient
from penstock.contracts.events import Event
from penstock.contracts.job import Snapshot
from penstock.hosting.ports import free_port
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jobs import new_job_id, submit
from penstock.jobs.follow import Follower
from penstock.local.process import Process
from penstock.settings import Settings
from tests.faults.fault_harness import PATTERNS, checked
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.record import outcomes
from tests.support.simulator import Steering
from tests.system.upgrade.releases import Release

KINDS = ("aggregator", "classifier", "workers")


@dataclass(eq=False)
class RunningJob:
    """What two readers have seen of it: over NATS as this release reads, over HTTP from whichever gateway answers."""

    pattern: str
    id: str = field(default_factory=new_job_id)
    over_nats: list[Event] = field(default_factory=list)
    over_http: list[Event] = field(default_factory=list)


class Rollout:
    """`gateways`: the addresses that callers know, each of which has a gateway of either release, or none."""

    def __init__(self, settings: Settings, bus: Bus, gemini: Steering, folder: Path) -> None:
        self._settings, self.bus, self.gemini, self._folder = settings, bus, gemini, folder
        self._ports = [free_port(), free_port()]
        self.gateways = [f"http://127.0.0.1:{port}" for port in self._ports]
        self._running: list[Process] = []
        self._jobs: list[tuple[RunningJob, asyncio.Task[None]]] = []

    @property
    def env(self) -> dict[str, str]:
        return {
            "PENSTOCK_NATS_URL": self._settings.nats_url,
            "PENSTOCK_MODEL_BASE_URL": str(self._settings.model_base_url),
            "PENSTOCK_ACK_WAIT": "3",
            "PENSTOCK_HANDOVER": str(PATIENCE),
        }

    async def command(self, release: Release, *arguments: str) -> tuple[int, str]:
        """Status and output."""
        done = await asyncio.to_thread(release.run, *arguments, **self.env)
        return done.returncode, done.stdout + done.stderr

    async def declare(self, release: Release) -> None:
        status, said = await self.command(release, "streams")
        assert status == 0, said

    async def releases(self) -> set[str]:
        """Those of all processes that answer."""
        async with HttpClient(self.gateways[0]) as client:
            return {replica.version for replica in (await client.fleet()).replicas}

    async def serve(self, release: Release, *kinds: str) -> list[Process]:
        """One more replica of each."""
        return list(await asyncio.gather(*(self._start(release, kind, free_port()) for kind in kinds)))

    async def gateway(self, release: Release, place: int) -> Process:
        """At one of the addresses that callers know."""
        return await self._start(release, "gateway", self._ports[place])

    async def _start(self, release: Release, kind: str, port: int) -> Process:
        name = f"{kind}-{release.name}-{len(self._running)}"
        # who executes steps ends what it has begun, however busy this machine is; jobs and streams go on elsewhere
        grace = str(PATIENCE) if kind in ("classifier", "workers") else "1"
        env = {**self.env, **release.env, "PENSTOCK_PORT": str(port), "PENSTOCK_GRACE": grace}
        log = self._folder / f"{name}.log"
        process = Process(name, [*release.command, "serve", kind], env=env, log_file=log)
        self._running.append(process)
        await process.start()
        return process

    async def kill(self, process: Process) -> None:
        """SIGKILL, for good."""
        await process.unsupervise()
        process.kill()
        await process.stop(grace=0)

    async def held(self, name: str) -> list[RunningJob]:
        """A job of each pattern, once each has one outcome and its next model call has begun and stands still.

        They go on once `gemini` releases `name`.
        """
        jobs = [RunningJob(pattern) for pattern in sorted(PATTERNS)]
        for job in jobs:
            await self.gemini.rule(job=job.id, skip=1, times=1, reply={"hold": name})
            body = PATTERNS[job.pattern].example.model_dump_json(by_alias=True, exclude_unset=True).encode()
            await submit(self.bus, job.pattern, named(job.id), body)
            self._jobs.append((job, asyncio.create_task(self._follow(job))))
        await self.gemini.wait(held=name, min_chunks=1, count=len(jobs), timeout=PATIENCE)
        return jobs

    async def _follow(self, job: RunningJob) -> None:
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as readers:
            readers.create_task(self._over_nats(job))
            readers.create_task(self._over_http(job))

    async def _over_nats(self, job: RunningJob) -> None:
        async with Follower(self.bus, named(job.id)) as follower:
            async for batch in follower:
                job.over_nats += [one.event for one in batch if not isinstance(one.event, Snapshot)]

    async def followed(self, job: str) -> list[Event]:
        """All events of a job, once it has ended."""
        followed = RunningJob("", job)
        async with asyncio.timeout(PATIENCE):
            await self._over_nats(followed)
        return followed.over_nats

    async def _over_http(self, job: RunningJob) -> None:
        async with HttpClient(",".join(self.gateways)) as client, client.follow(job.id) as events:
            async for event in events:
                assert not isinstance(event, Snapshot), "events are missing"
                job.over_http.append(event)

    async def all_end_well(self) -> None:
        """Every job has a valid result, which both readers saw grow without a gap; no finished call was made again."""
        for job, reading in self._jobs:
            await reading
            assert checked(job.over_nats, job.pattern) == checked(job.over_http, job.pattern)
            done = Counter(call.key for call in await self.gemini.calls(job=job.id, status="completed"))
            asked = [key for key, outcome in (await outcomes(self.bus, job.id)).items() if outcome.model is not None]
            assert done == Counter(asked), f"a call of {job.pattern} was paid twice, or none was"
        letters = (await self.bus.jetstream.stream_info("DEAD")).state.messages
        assert letters == 0, f"{letters} dead letters"

    def logged(self) -> dict[str, str]:
        """What each process has written, by its name."""
        return {process.name: process.log_file.read_text() for process in self._running}

    async def end(self, processes: Iterable[Process] | None = None) -> None:
        """By SIGTERM: those, or all that run."""
        chosen = self._running if processes is None else processes
        await asyncio.gather(*(process.stop(grace=PATIENCE) for process in chosen))

    async def stop_reading(self) -> None:
        for _, reading in self._jobs:
            reading.cancel()
        await asyncio.gather(*(reading for _, reading in self._jobs), return_exceptions=True)


@asynccontextmanager
async def rolling(settings: Settings, gemini: Steering, folder: Path) -> AsyncIterator[Rollout]:
    """Nothing is declared, and nothing runs yet."""
    bus = await connect(settings, "test")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(bus.connection.close)
        rollout = Rollout(settings, bus, gemini, folder)
        stack.push_async_callback(rollout.end)
        stack.push_async_callback(gemini.clear)
        stack.push_async_callback(rollout.stop_reading)
        yield rollout
