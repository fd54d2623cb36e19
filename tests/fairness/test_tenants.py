"""What one tenant has queued delays another by a few slots. Counted, not timed: what begins between."""

import asyncio
import json

from penstock.contracts.events import texts_of
from penstock.contracts.journal import END, START
from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline

PATTERN, BODY = "sequential-processing", json.dumps({"input": "a lantern"}).encode()
SLOTS, SHARE = 4, 8
#: What may come before: the other's share, what of its rest is begun beside that (1 for 4), and one of each lane that
#: is in this process's hands already.
FEW = SHARE + SHARE // 4 + len(subjects.LANES)
SMALL = JobName("small", "only")


async def submit(bus: Bus, *names: JobName) -> None:
    for start in range(0, len(names), 100):
        await asyncio.gather(*(bus.once(subjects.job(PATTERN, name), BODY) for name in names[start : start + 100]))


async def until_stored(bus: Bus, subject: str) -> int:
    """The sequence of the first message of `subject`, once there is one."""
    async with asyncio.timeout(PATIENCE):
        while True:
            async for stored in bus.history(subject):
                return stored.sequence
            await asyncio.sleep(0.05)


async def last(bus: Bus, stream: str) -> int:
    return (await bus.jetstream.stream_info(stream)).state.last_seq


async def until_waiting(bus: Bus, stream: str, count: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await bus.jetstream.stream_info(stream)).state.messages < count:
            await asyncio.sleep(0.05)


def big(count: int) -> list[JobName]:
    return [JobName("big", f"job-{number}") for number in range(count)]


async def test_a_thousand_queued_jobs_delay_another_tenants_by_a_few_slots(bare: Pipeline) -> None:
    """First in, first out would begin the thousand before it."""
    await bare.gemini.rule(times=SLOTS, reply={"hold": "first"})
    await bare.start("aggregator", runs=SLOTS)
    await bare.start("workers")
    await submit(bare.bus, *big(1_000))
    await bare.gemini.wait(held="first", count=SLOTS)
    await until_waiting(bare.bus, subjects.TURNS, 1_000 - SLOTS)
    await submit(bare.bus, SMALL)
    submitted = await last(bare.bus, subjects.JOURNAL)
    await bare.gemini.release("first")
    begun = await until_stored(bare.bus, subjects.journal(SMALL, START))
    every = subjects.journal(JobName("big", "*"), START)
    between = [one async for one in bare.bus.history(every, after=submitted, until=begun)]
    assert len(between) <= FEW


async def test_a_hundred_steps_delay_another_tenants_by_a_few_slots(bare: Pipeline) -> None:
    """All hundred jobs run; what of their steps is beyond their tenant's share waits where others pass it."""
    await bare.gemini.rule(times=SLOTS, reply={"hold": "first"})
    await bare.start("aggregator", share=SHARE)
    await bare.start("workers", slots=SLOTS)
    await submit(bare.bus, *big(100))
    await bare.gemini.wait(held="first", count=SLOTS)
    await until_waiting(bare.bus, subjects.STEPS, 100)
    await submit(bare.bus, SMALL)
    await until_stored(bare.bus, subjects.step("*", "*", "*", SMALL, "*", lane="*"))
    submitted = await last(bare.bus, subjects.EVENTS)
    await bare.gemini.release("first")
    await until_stored(bare.bus, subjects.journal(SMALL, END))
    begun = [
        (stored.subject, event["step"])
        async for stored in bare.bus.history(subjects.events(subjects.EVERY), after=submitted)
        for text in texts_of(stored.data)
        if (event := json.loads(text)).get("type") == "step.started"
    ]
    first = next(at for at, (subject, _) in enumerate(begun) if subject == subjects.events(SMALL))
    assert first <= FEW
