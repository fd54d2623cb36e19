"""A job that nobody has room for waits in TURNS, and is in every way the job that was submitted."""

import asyncio
import json

import pytest
from nats.aio.msg import Msg

from penstock.jetstream import subjects
from penstock.jetstream.stored import Stored
from penstock.jobs.ending import cancel
from penstock.patterns.loading import load
from penstock.runs.handler import JobHandler
from tests.fairness.test_tenants import PATTERN, until_waiting
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline

BODY = {"input": "a lantern"}


@pytest.fixture
async def full(bare: Pipeline) -> Pipeline:
    """One aggregator with one place, which a job has for as long as "first" is held."""
    await bare.gemini.rule(times=1, reply={"hold": "first"})
    await bare.start("workers")
    await bare.start("aggregator", runs=1)
    await bare.submit(PATTERN, BODY, "first")
    await bare.gemini.wait(held="first")
    async with asyncio.timeout(PATIENCE):  # what it asked for while it had room, it may still be given
        while any(info.num_waiting for info in await bare.bus.jetstream.consumers_info(subjects.TURNS)):
            await asyncio.sleep(0.05)
    return bare


async def facts(pipeline: Pipeline, job: str) -> list[Stored]:
    return [one async for one in pipeline.bus.history(subjects.journal(named(job), ">"))]


async def test_it_is_queued_until_there_is_room_anywhere(full: Pipeline) -> None:
    """The one that has no room hands it over at once: another aggregator takes it."""
    job = await full.submit(PATTERN, BODY)
    await until_waiting(full.bus, subjects.TURNS, 1)
    assert not await facts(full, job)
    await full.start("aggregator", runs=1)
    assert await full.result(job)
    await full.gemini.release("first")
    assert await full.result("first")
    assert (await full.bus.jetstream.stream_info(subjects.TURNS)).state.messages == 0


async def test_it_can_be_cancelled_while_it_waits(full: Pipeline) -> None:
    job = await full.submit(PATTERN, BODY)
    await until_waiting(full.bus, subjects.TURNS, 1)
    await cancel(full.bus, named(job))
    await full.gemini.release("first")
    assert (await full.events(job))[-1].type == "job.cancelled"
    assert not await full.gemini.calls(job=job)


async def test_its_deadline_counts_from_its_submission(full: Pipeline) -> None:
    job = await full.submit(PATTERN, BODY | {"options": {"deadlineSeconds": 0.1}})
    await until_waiting(full.bus, subjects.TURNS, 1)
    await asyncio.sleep(0.1)  # that is the deadline
    await full.gemini.release("first")
    assert (await full.failure(job)).problem.code == "deadline_exceeded"
    assert not await full.gemini.calls(job=job)


async def test_one_whose_message_comes_again_meanwhile_waits_once_and_is_not_run_beside_it(full: Pipeline) -> None:
    """As where the acknowledgement of the first delivery was lost: any aggregator may be given the next."""
    job = await full.submit(PATTERN, BODY)
    await until_waiting(full.bus, subjects.TURNS, 1)
    handler = JobHandler(bus=full.bus, patterns=load(), settings=full.settings)
    for settle in (handler.turns.queue, handler.handle):
        again = await full.bus.jetstream.pull_subscribe(subjects.job(PATTERN, named(job)), stream=subjects.JOBS)
        for each in (Msg.nak, settle):
            (message,) = await again.fetch(1, timeout=PATIENCE)
            await each(message)
    assert (await full.bus.jetstream.stream_info(subjects.TURNS)).state.messages == 1
    assert not await facts(full, job)
    await full.gemini.release("first")
    assert await full.result(job)


async def test_the_most_urgent_are_begun_first_and_none_is_left_behind(bare: Pipeline) -> None:
    """One slot: of twenty steps of each urgency eight, four and two are begun in turns, with one more in hand."""
    await bare.gemini.rule(times=1, reply={"hold": "first"})
    await bare.start("workers", slots=1, steps=("draft",))
    await bare.start("aggregator", share=100)
    await bare.submit(PATTERN, BODY, "first")
    await bare.gemini.wait(held="first")
    for urgency in ("low", "normal", "high"):
        bodies = json.dumps(BODY | {"options": {"urgency": urgency}}).encode()
        await asyncio.gather(*(bare.submit(PATTERN, bodies, f"{urgency}-{number}") for number in range(20)))
    await until_waiting(bare.bus, subjects.STEPS, 61)
    await bare.gemini.release("first")
    async with asyncio.timeout(PATIENCE):
        while len(calls := await bare.gemini.calls(step="draft")) < 61:
            await asyncio.sleep(0.05)
    order = [str(call.job).partition("-")[0] for call in calls[1:]]
    first = order[:28]
    assert 14 <= first.count("high") <= 18
    assert 6 <= first.count("normal") <= 10
    assert 3 <= first.count("low") <= 6


async def test_what_is_less_urgent_begins_while_there_is_more_of_the_most_urgent(bare: Pipeline) -> None:
    """Also where it came when the one slot was taken, and more that is urgent was known to wait for it."""
    for name in ("first", "second"):
        await bare.gemini.rule(times=1, reply={"hold": name})
    await bare.start("aggregator", share=100)
    urgent = json.dumps(BODY | {"options": {"urgency": "high"}}).encode()
    await asyncio.gather(*(bare.submit(PATTERN, urgent, f"high-{number}") for number in range(20)))
    await until_waiting(bare.bus, subjects.STEPS, 20)
    await bare.start("workers", slots=1, steps=("draft",))
    await bare.gemini.wait(held="first")
    await bare.gemini.release("first")
    await bare.gemini.wait(held="second")
    await asyncio.sleep(2.5)  # by now what was asked for before the slot was taken is not asked for any more
    await bare.submit(PATTERN, json.dumps(BODY | {"options": {"urgency": "low"}}).encode(), "low")
    await until_waiting(bare.bus, subjects.STEPS, 21)
    await bare.gemini.release("second")
    async with asyncio.timeout(PATIENCE):
        while len(calls := await bare.gemini.calls(step="draft")) < 21:
            await asyncio.sleep(0.05)
    assert [call.job for call in calls].index("low") <= 8
