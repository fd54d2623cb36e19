"""Jobs of all patterns run while random things befall the system. All end once, and every reader sees them rightly.

The short form is part of the suite. `make faults` is the long one, which prints what it has counted and measured.
"""

import asyncio
import os
import random
from pathlib import Path

import pytest

from penstock.cancelling import stop
from tests.faults.accounts import recovery, usage_is_told
from tests.faults.befalling import Faults
from tests.faults.fault_harness import PATTERNS
from tests.faults.leftovers import Memory, descendants, no_subscription_is_left, subscriptions
from tests.faults.readers import ReadJob
from tests.faults.world import World, a_world, until_idle

JOBS = int(os.environ.get("PENSTOCK_FAULTS_JOBS", "12"))
COUNT = int(os.environ.get("PENSTOCK_FAULTS_COUNT", "4"))
#: Jobs in flight.
AT_ONCE = int(os.environ.get("PENSTOCK_FAULTS_AT_ONCE", "8"))
SEED = int(os.environ.get("PENSTOCK_FAULTS_SEED", "20261125"))
#: Whether times are judged: not on a machine that has other tests to run.
_LONG = COUNT > 20


@pytest.mark.timeout(300 + 6 * JOBS)
@pytest.mark.parametrize("servers", [1, pytest.param(3, marks=pytest.mark.long)])
async def test_jobs_of_all_patterns_survive_random_faults(tmp_path: Path, servers: int) -> None:
    print(f"\n{servers} NATS server(s), {JOBS} jobs, {AT_ONCE} at once, {COUNT} faults, seed {SEED}")
    names = sorted(PATTERNS)
    processes: set[tuple[int, str]] = set()
    async with a_world(tmp_path, servers=servers) as world, asyncio.timeout(240 + 6 * JOBS):
        # what a service needs for its first job, it keeps
        await _run([ReadJob(world, name) for name in names])
        await until_idle(world)
        before, memory, faults = (
            await subscriptions(world.bus, servers),
            Memory(world),
            Faults(world, random.Random(SEED)),
        )
        jobs = [ReadJob(world, names[number % len(names)]) for number in range(JOBS)]
        async with memory.watched():
            befalling = asyncio.ensure_future(_befall(world, faults, processes))
            await _run(jobs)
            await stop(befalling)
        cut = sum(job.check() for job in jobs)
        print(f"readers of JSON text that were cut off: {cut} of {JOBS}")
        await until_idle(world)
        await usage_is_told(world, jobs, at_most=COUNT * AT_ONCE)
        await no_subscription_is_left(world, before)
        await recovery(world, jobs, faults, asserted=_LONG)
        memory.check(JOBS)
        processes |= descendants(set(world.pids.values()))
    left = processes & descendants({pid for pid, _ in processes})
    assert not left, f"processes left behind: {left}"


async def _run(jobs: list[ReadJob]) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(job: ReadJob) -> None:
        async with places:
            await job.run()

    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(one(job))


async def _befall(world: World, faults: Faults, processes: set[tuple[int, str]]) -> None:
    """One after the other, each once a job has ended since the last was over; the last while jobs are left."""
    first = len(world.heard.ends)
    ended = first - 1
    for number in range(COUNT):
        while len(world.heard.ends) < max(ended + 1, first + JOBS * number // (COUNT + 1)):
            await asyncio.sleep(0.05)
        processes |= descendants(set(world.pids.values()))
        await faults.befall()
        ended = len(world.heard.ends)
