"""Jobs of a tenant that are on at once, by several gateways."""

import asyncio
import json
import random

import pytest
from nats.aio.msg import Msg

from penstock.contracts.journal import END
from penstock.contracts.wire import JobName
from penstock.errors import Refused
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jobs.places import Places
from tests.support.patience import PATIENCE


async def until_held(jobs: set[str], changes: asyncio.Queue[Msg]) -> None:
    """Until these have places, and no others."""
    async with asyncio.timeout(PATIENCE):
        while json.loads((await changes.get()).data).keys() != jobs:
            pass


@pytest.mark.parametrize("most", [5, 40])
async def test_no_more_are_on_than_may_be_however_they_end_meanwhile(bus: Bus, most: int) -> None:
    """A gateway that looks which of them have ended hears of another's new ones at the same time."""
    numbers = iter(range(1_000))
    on, at_once = set[JobName](), list[int]()

    async def gateway() -> None:
        places = Places(bus)
        for _ in range(200):
            job = JobName("t", f"j{next(numbers)}")
            try:
                if random.random() < 0.5:
                    job = await places.new("t", most)
                else:
                    await places.take(job, most)
            except Refused:
                if on:
                    ended = random.choice(sorted(on, key=str))
                    await bus.once(subjects.journal(ended, END), b"{}")
                    on.discard(ended)
                continue
            on.add(job)
            at_once.append(len(on))

    await asyncio.gather(gateway(), gateway())
    assert max(at_once) == most


async def test_a_job_that_was_seen_to_end_has_no_place(bus: Bus) -> None:
    """Its journal, which says nothing of it here, is not asked."""
    places = Places(bus)
    jobs = [JobName("t", f"j{number}") for number in range(4)]
    for job in jobs[:2]:
        await places.take(job, 2)
    with pytest.raises(Refused):
        await places.take(jobs[2], 2)
    places.ended(jobs[0])
    await places.take(jobs[2], 2)
    with pytest.raises(Refused):
        await places.take(jobs[3], 2)


async def test_places_of_jobs_that_come_one_after_the_other_are_taken_together(bus: Bus) -> None:
    places, changes = Places(bus), list[Msg]()
    await bus.subscribe(subjects.LIMITS_CHANGED[1], changes.append)
    jobs = {await places.new("t", 1_000) for _ in range(100)}
    await bus.connection.flush()
    assert len(jobs) == 100
    assert len(changes) < 50
    await places.aclose()


async def test_what_was_taken_ahead_and_is_not_used_is_given_back(bus: Bus) -> None:
    places, changes = Places(bus), asyncio.Queue[Msg]()
    await bus.subscribe(subjects.LIMITS_CHANGED[1], changes.put_nowait)
    jobs = {(await places.new("t", 100)).id for _ in range(4)}
    await until_held(jobs, changes)
    await places.aclose()


async def test_a_place_that_was_taken_ahead_by_one_limit_is_none_by_another(bus: Bus) -> None:
    places = Places(bus)
    for _ in range(5):  # one, two, and two of the next four
        await places.new("t", 100)
    with pytest.raises(Refused):
        await places.new("t", 5)
    await places.aclose()


async def test_what_one_limit_took_ahead_is_given_back_where_another_is_reached(bus: Bus) -> None:
    places, changes = Places(bus), asyncio.Queue[Msg]()
    await bus.subscribe(subjects.LIMITS_CHANGED[1], changes.put_nowait)
    jobs = {(await places.new("t", 100)).id for _ in range(5)}
    with pytest.raises(Refused):
        await places.new("t", 5)
    await until_held(jobs, changes)
    await places.aclose()


async def test_a_gateway_that_ends_leaves_no_places_taken_ahead(bus: Bus) -> None:
    places = Places(bus)
    jobs = {(await places.new("t", 100)).id for _ in range(4)}
    await places.aclose()
    stored = await bus.last_from_leader(subjects.places("t"))
    assert stored is not None
    assert json.loads(stored.data).keys() == jobs
