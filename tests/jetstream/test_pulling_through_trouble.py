"""The server goes away and comes back, a consumer is deleted by hand: services wait, say so, and go on."""

import asyncio
from typing import Any

import pytest

from penstock.jetstream import subjects
from penstock.jetstream.connection import connect
from penstock.jetstream.source import Source
from penstock.jetstream.streams import declare
from penstock.settings import Settings
from tests.faults.leftovers import subscriptions
from tests.support.log_records import logged
from tests.support.pipeline import Pipeline
from tests.support.servers import NatsServer

QUERY = {"query": "Our API answers 502 since the deploy"}


async def test_the_nats_server_is_killed_and_comes_back_on_its_data(pipeline: Pipeline, nats: NatsServer) -> None:
    """Jobs that were running end; no step whose outcome was journaled is done again; new jobs are taken."""
    await pipeline.gemini.rule(step="respond", reply={"hold": "respond"})
    jobs = [await pipeline.submit("routing", QUERY) for _ in range(5)]
    await pipeline.gemini.wait(held="respond", count=5)
    await nats.kill()
    await pipeline.gemini.release("respond")
    await nats.start()

    for job in jobs:
        assert (await pipeline.result(job))["response"]
        assert len(await pipeline.gemini.calls(job=job, step="classify")) == 1
        assert {outcome.failure for outcome in (await pipeline.outcomes(job)).values()} == {None}
    assert (await pipeline.run("routing", QUERY))["response"]


async def test_it_is_killed_while_every_slot_is_busy(pipeline: Pipeline, nats: NatsServer) -> None:
    """What was being executed goes on without the server, and is settled when it is back."""
    await pipeline.gemini.rule(step="classify", reply={"hold": "classify"})
    jobs = [await pipeline.submit("routing", QUERY) for _ in range(8)]
    await pipeline.gemini.wait(held="classify", count=8)
    await nats.kill()
    await nats.start()
    await pipeline.gemini.release("classify")
    for job in jobs:
        assert (await pipeline.result(job))["response"]
        assert len(await pipeline.gemini.calls(job=job, step="classify")) == 1


async def test_a_consumer_that_was_deleted_is_asked_for_ever_more_rarely_and_told_in_the_log(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    """Other steps are served meanwhile; once it is declared again, its steps are too."""
    with logged("penstock.jetstream.source", "cannot pull") as records:
        clock = asyncio.get_running_loop()
        began = clock.time()
        await pipeline.bus.jetstream.delete_consumer(subjects.STEPS, "workers=sequential-processing=draft=normal")
        await records.times(3)
        assert clock.time() - began >= 0.25 + 0.5
        assert (await pipeline.run("routing", QUERY))["response"]
    await declare(pipeline.bus.jetstream, pipeline.settings)
    assert (await pipeline.run("sequential-processing", {"input": "a lantern"}))["originalContent"]


async def test_a_worker_that_stood_still_leaves_no_subscription(pipeline: Pipeline, settings: Settings) -> None:
    """Whenever it has looked what was given to others meanwhile, NATS has the subscriptions it had."""
    bus = await connect(settings, "penstock-sleeper")
    ignore: Any = None
    source = Source(bus.connection, subjects.JOBS, subjects.AGGREGATOR, ignore, received=ignore, changed=ignore)
    await source.open()
    await bus.connection.flush()
    before = (await subscriptions(pipeline.bus, 1))["penstock-sleeper"]
    for _ in range(3):
        await source.caught_up()
    await bus.connection.flush()
    assert (await subscriptions(pipeline.bus, 1))["penstock-sleeper"] == before
    await bus.connection.close()
