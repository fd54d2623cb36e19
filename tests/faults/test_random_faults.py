"""Jobs of all patterns run while random things befall the system. All end once, and every reader sees them rightly.

The short form is part of the suite. `make faults` is the long one:

    PENSTOCK_FAULTS_JOBS=200 PENSTOCK_FAULTS_COUNT=30 PENSTOCK_FAULTS_SEED=$RANDOM pytest tests/faults -k random -s
"""

import asyncio
import json
import os
import random
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from penstock.cancelling import stop
from penstock.client import HttpClient
from penstock.contracts.events import Event
from penstock.contracts.job import Snapshot
from penstock.jobs import new_job_id, submit
from penstock.jobs.follow import Follower
from tests.faults.fault_harness import PATTERNS, checked
from tests.faults.world import World, a_world
from tests.support.record import outcomes

JOBS = int(os.environ.get("PENSTOCK_FAULTS_JOBS", "18"))
COUNT = int(os.environ.get("PENSTOCK_FAULTS_COUNT", "5"))
#: Jobs in flight.
_AT_ONCE = 8
SEED = int(os.environ.get("PENSTOCK_FAULTS_SEED", "20261125"))


@pytest.mark.timeout(300 + 6 * JOBS)
@pytest.mark.parametrize("servers", [1, 3])
async def test_jobs_of_all_patterns_survive_random_faults(tmp_path: Path, servers: int) -> None:
    """The model takes its time (0.2 s to the first token), so that each fault hits something in work."""
    dice = random.Random(SEED)
    names = sorted(PATTERNS)
    async with a_world(tmp_path, servers=servers) as world, asyncio.timeout(240 + 6 * JOBS):
        print(f"{servers} NATS server(s), {JOBS} jobs, {COUNT} faults, seed {SEED}")
        await world.gemini.rule(reply={"pace": {"ttft": 0.2, "tokensPerSecond": 400}})
        jobs = [_Job(world, names[number % len(names)]) for number in range(JOBS)]
        await asyncio.gather(_run(jobs), _faults(world, jobs, dice))
        cut = sum(job.check() for job in jobs)
        print(f"readers of JSON text that were cut off: {cut} of {JOBS}")
        await _nothing_finished_was_paid_again(world, jobs)
        while not await world.is_idle():
            await asyncio.sleep(0.1)


async def _run(jobs: list["_Job"]) -> None:
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(job: _Job) -> None:
        async with places:
            await job.run()

    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(one(job))


async def _faults(world: World, jobs: list["_Job"], dice: random.Random) -> None:
    """One after the other, each once the system has ended jobs since the last; the last while jobs are left."""
    for number in range(COUNT):
        while sum(job.ended.is_set() for job in jobs) < JOBS * number // (COUNT + 1):
            await asyncio.sleep(0.05)
        name = dice.choice(sorted(world.faults))
        before = {job for job in jobs if job.ended.is_set()}
        what = await world.faults[name](dice)
        over = time.monotonic()
        waiting = [asyncio.ensure_future(job.ended.wait()) for job in jobs if job not in before]
        if not waiting:
            break
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        await stop(*waiting)
        print(f"{name} ({what or 'all'}): {time.monotonic() - over:.1f} s after it a job had ended")


class _Job:
    """One job with three readers: over NATS, over HTTP, and as JSON text."""

    def __init__(self, world: World, pattern: str) -> None:
        self.world, self.pattern, self.id = world, pattern, new_job_id()
        self.over_nats: list[Event] = []
        self.over_http: list[Event] = []
        self.text: str | None = None
        self.ended = asyncio.Event()

    async def run(self) -> None:
        body = PATTERNS[self.pattern].example.model_dump_json(by_alias=True, exclude_unset=True).encode()
        await submit(self.world.bus, self.pattern, self.id, body)
        self.world.last_job = self.id
        await asyncio.gather(self._follow_over_nats(), self._follow_over_http(), self._read_text())

    async def _follow_over_nats(self) -> None:
        async with Follower(self.world.bus, self.id) as follower:
            delivered = [one.event async for batch in follower for one in batch]
        self.over_nats = [event for event in delivered if not isinstance(event, Snapshot)]
        self.ended.set()

    async def _follow_over_http(self) -> None:
        async with HttpClient(",".join(self.world.stack.gateway_urls)) as client, client.follow(self.id) as events:
            self.over_http = [event async for event in events if not isinstance(event, Snapshot)]

    async def _read_text(self) -> None:
        """A reader that cannot resume: it tries again only where it was given nothing."""
        url = f"{self.world.stack.gateway_urls[-1]}/jobs/{self.id}/stream"
        async with httpx.AsyncClient(timeout=300) as http:
            while True:
                try:
                    async with http.stream("GET", url, headers={"Accept": "application/json"}) as answer:
                        if answer.status_code == 200:
                            self.text = (await answer.aread()).decode()
                            return
                except httpx.ConnectError:
                    pass
                except httpx.TransportError as cut:
                    print(f"a reader of {self.pattern} is cut off: {cut!r}")
                    return
                await asyncio.sleep(0.2)

    def check(self) -> bool:
        """Whether its reader of JSON text was cut off. What each of the others saw must add up to the one result.

        They need not have seen the same: a server that is killed forgets its last events, which one of them was shown.
        """
        result = checked(self.over_nats, self.pattern)
        assert checked(self.over_http, self.pattern) == result
        if self.text is not None:
            assert json.loads(self.text) == result
        return self.text is None


async def _nothing_finished_was_paid_again(world: World, jobs: list[_Job]) -> None:
    """What was paid in vain are calls that a fault interrupted between their last token and their outcome."""
    completed = Counter((call.job, call.key) for call in await world.gemini.calls(status="completed"))
    needed = 0
    for job in jobs:
        needed += sum(1 for outcome in (await outcomes(world.bus, job.id)).values() if outcome.model)
    begun = len(await world.gemini.calls())
    print(f"{begun} calls begun, {completed.total()} completed, {needed} needed")
    assert len(completed) == needed
    assert completed.total() - needed <= COUNT * _AT_ONCE
