"""Jobs of a tenant that are on at once, by several gateways."""

import asyncio
import random

import pytest

from penstock.callers.limits import Places
from penstock.contracts.journal import END
from penstock.contracts.wire import JobName
from penstock.errors import Refused
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus


async def test_no_more_are_on_than_may_be_however_they_end_meanwhile(bus: Bus) -> None:
    """A gateway that looks which of them have ended hears of another's new ones at the same time."""
    most, numbers = 5, iter(range(1_000))
    on, at_once = set[JobName](), list[int]()

    async def gateway() -> None:
        places = Places(bus)
        for _ in range(150):
            job = JobName("t", f"j{next(numbers)}")
            try:
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
