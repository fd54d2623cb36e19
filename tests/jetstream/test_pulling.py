"""Steps are expensive, so a process takes no more of them than it can do, and keeps alive what it has taken."""

import asyncio

import pytest

from penstock.hosting.service import Service
from penstock.jetstream import subjects
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline

CODE = {"code": "print(1)"}
REVIEWS = ("review-security", "review-performance", "review-maintainability")


@pytest.fixture
async def alone(pipeline: Pipeline) -> Pipeline:
    """All services but workers: tests start their own."""
    await pipeline.stop("workers")
    return pipeline


async def in_clients_hands(pipeline: Pipeline) -> dict[str, int]:
    """How many messages of each consumer the server has given out and not had back."""
    consumers = await pipeline.bus.jetstream.consumers_info(subjects.STEPS)
    return {info.name: info.num_ack_pending or 0 for info in consumers if info.num_ack_pending}


async def test_one_kind_of_step_is_never_taken_beyond_the_free_slots(alone: Pipeline) -> None:
    """Eight drafts for two slots: two are taken, six stay in the queue, where any replica can have them."""
    await alone.gemini.rule(step="draft", reply={"hold": "draft"})
    await alone.start("workers", steps=("draft",), slots=2)
    async with alone.settlements() as settlements:
        jobs = [await alone.submit("sequential-processing", {"input": f"lantern {number}"}) for number in range(8)]
        await alone.gemini.wait(held="draft", count=2)
        assert await in_clients_hands(alone) == {"workers=sequential-processing=draft=normal": 2}
        await alone.gemini.release("draft")
        await settlements.wait_for("ACK", 8)
    assert (await alone.gemini.stats()).peak_running == 2
    assert len(await alone.gemini.calls(step="draft")) == len(jobs)
    await alone.start("workers")
    for job in jobs:
        assert await alone.result(job)


async def test_of_several_kinds_one_more_each_may_wait_in_flight(alone: Pipeline) -> None:
    """That is the price of not asking in turns while all are idle; what waits is kept alive."""
    await alone.gemini.rule(reply={"hold": "all"})
    steps = (*REVIEWS, "synthesize")
    workers = await alone.start("workers", steps=steps, slots=2)
    jobs = [await alone.submit("parallel-processing", CODE) for _ in range(8)]
    await alone.gemini.wait(held="all", count=2)
    async with alone.settlements() as settlements:
        await settlements.wait_for("WPI", 2)
    most = 2 + 2 * len(steps)  # two lanes: some of so many steps are beyond the tenant's share
    assert workers.service.in_flight <= most
    assert sum((await in_clients_hands(alone)).values()) <= most
    await alone.gemini.release("all")
    for job in jobs:
        assert await alone.result(job)
    stats = await alone.gemini.stats()
    assert (stats.peak_running, stats.calls) == (2, 8 * 4)


async def test_a_step_that_takes_longer_than_ack_wait_is_executed_once(pipeline: Pipeline) -> None:
    """A heartbeat every third of `ack_wait`: after eleven of them three and a half have passed."""
    await pipeline.gemini.rule(step="classify", reply={"hold": "classify"})
    async with pipeline.settlements() as settlements:
        job = await pipeline.submit("routing", {"query": "why?"})
        await pipeline.gemini.wait(held="classify")
        await settlements.wait_for("WPI", 11)
        assert {sign.delivery for sign in settlements.of("WPI")} == {1}
        await pipeline.gemini.release("classify")
        assert await pipeline.result(job)
    assert (await pipeline.outcomes(job))["classify-1"].attempt == 1
    assert len(await pipeline.gemini.calls(job=job, step="classify")) == 1
    assert {ack.delivery for ack in settlements.of("ACK")} == {1}


async def test_a_message_given_out_again_while_it_is_in_flight_is_not_begun_again(pipeline: Pipeline) -> None:
    """As after a pause of the server that was longer than `ack_wait`: it takes the replica for dead."""
    await pipeline.gemini.rule(step="classify", reply={"hold": "classify"})
    async with pipeline.settlements() as settlements:
        job = await pipeline.submit("routing", {"query": "why?"})
        await pipeline.gemini.wait(held="classify")
        (sign, *_) = await settlements.wait_for("WPI")
        await pipeline.bus.connection.publish(sign.subject, b"-NAK")
        await settlements.wait_for("WPI", 4)
        await pipeline.gemini.release("classify")
        assert await pipeline.result(job)
    assert (await pipeline.outcomes(job))["classify-1"].attempt == 1
    assert len(await pipeline.gemini.calls(job=job, step="classify")) == 1


async def test_at_shutdown_what_waits_goes_back_at_once_and_what_runs_is_finished(alone: Pipeline) -> None:
    """Another replica has done the waiting ones before the running one is even done."""
    await alone.gemini.rule(times=1, reply={"hold": "first"})
    first = await alone.start("workers", slots=1, steps=REVIEWS)
    await _until_asked(alone, 3 * len(subjects.LANES))
    async with alone.settlements() as settlements:
        job = await alone.submit("parallel-processing", CODE)
        await alone.gemini.wait(held="first")
        await _until_in_flight(first.service, 3)

        await alone.start("workers")
        stopping = asyncio.create_task(first.stop())
        assert len(await settlements.wait_for("NAK", 2)) == 2
        assert len(await settlements.wait_for("ACK", 2)) == 2
        assert not stopping.done()

        await alone.gemini.release("first")
        await stopping
        assert await alone.result(job)
    assert {ack.delivery for ack in settlements.of("ACK")} == {1, 2}
    assert len(await alone.gemini.calls(job=job)) == 4


async def test_what_is_not_done_within_the_grace_period_goes_back_too(alone: Pipeline) -> None:
    """Its model call is closed; another replica begins a new attempt at once, not after `ack_wait`."""
    await alone.gemini.rule(step="draft", times=1, reply={"hold": "draft"})
    first = await alone.start("workers")
    job = await alone.submit("sequential-processing", {"input": "a lantern"})
    await alone.gemini.wait(held="draft")
    async with alone.settlements() as settlements:
        await first.stop(grace=0)
        await settlements.wait_for("NAK")
    await alone.gemini.wait(status="disconnected")
    await alone.start("workers")
    assert await alone.result(job)
    assert (await alone.outcomes(job))["draft-1"].attempt == 2


async def _until_asked(pipeline: Pipeline, count: int) -> None:
    """Until so many consumers have a request waiting."""
    async with asyncio.timeout(PATIENCE):
        while True:
            consumers = await pipeline.bus.jetstream.consumers_info(subjects.STEPS)
            if sum(bool(info.num_waiting) for info in consumers if info.name.startswith("workers=")) == count:
                return


async def _until_in_flight(service: Service, count: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while service.in_flight < count:
            await asyncio.sleep(0)
