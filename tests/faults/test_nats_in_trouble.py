"""NATS that is full, that a reader leaves, or that a worker has lost: nothing is failed, paid twice or missed."""

import asyncio
from urllib.parse import urlsplit

import pytest
from nats.js.api import StreamConfig

from penstock.contracts.events import JobCancelled
from penstock.jetstream import subjects
from penstock.jetstream.connection import connect, connect_options
from penstock.jetstream.event_log import stored_events
from penstock.jobs import cancel
from penstock.jobs.follow import Follower
from penstock.settings import Settings
from tests.client.relay import Relay
from tests.support.log_records import logged
from tests.support.naming import named
from tests.support.pipeline import Pipeline
from tests.support.servers import NatsServer
from tests.support.simulator import Steering

QUERY = {"query": "Our API answers 502 since the deploy"}


@pytest.fixture
def settings(nats: NatsServer, gemini_url: str) -> Settings:
    """A short patience with NATS, so that it is exhausted within a test."""
    return Settings(nats_url=nats.url, model_base_url=gemini_url, ack_wait=3, grace=5, nats_timeout=1, port=0)


async def limit_journal(pipeline: Pipeline, max_bytes: int) -> None:
    await limit(pipeline, subjects.JOURNAL, max_bytes)


async def limit(pipeline: Pipeline, stream: str, max_bytes: int) -> None:
    config: StreamConfig = (await pipeline.bus.jetstream.stream_info(stream)).config
    await pipeline.bus.jetstream.update_stream(config.evolve(max_bytes=max_bytes))


async def test_a_reply_that_nats_has_no_room_for_is_kept_and_stored_later(pipeline: Pipeline, gemini: Steering) -> None:
    """The job does not fail, and the model is not asked again: the outcome waits in the worker."""
    await gemini.rule(step="classify", reply={"hold": "reply"})
    job = await pipeline.submit("routing", QUERY)
    await gemini.wait(step="classify")
    with logged("penstock.jetstream.settling", "NATS stores nothing; the outcome is kept") as records:
        await limit_journal(pipeline, 1)
        await gemini.release("reply")
        await records.times(1)
    await limit_journal(pipeline, -1)
    await pipeline.result(job)
    assert [call.step for call in await gemini.calls(job=job)] == ["classify", "respond"]


async def test_a_job_accepted_while_nats_is_full_runs_once_there_is_room(pipeline: Pipeline) -> None:
    """Its start cannot be written: that is no fault of the job's."""
    with logged("penstock.jetstream.settling", "NATS was away") as records:
        await limit_journal(pipeline, 1)
        job = await pipeline.submit("routing", QUERY)
        await records.times(1)
    await limit_journal(pipeline, -1)
    await pipeline.result(job)


async def test_a_run_whose_steps_nats_has_no_room_for_waits_and_has_begun_once(pipeline: Pipeline) -> None:
    """However long that takes: only beginnings that an aggregator may not have survived are to be counted."""
    with logged("penstock.jetstream.settling", "NATS stores nothing; the run is kept") as records:
        await limit(pipeline, subjects.STEPS, 1)
        job = await pipeline.submit("routing", QUERY)
        await records.times(3)
    await limit(pipeline, subjects.STEPS, -1)
    await pipeline.result(job)
    assert [event.type async for event in stored_events(pipeline.bus, named(job))].count("job.accepted") == 1


async def test_readers_that_leave_while_their_stream_opens_do_no_harm(pipeline: Pipeline) -> None:
    """However far each had come: the connection they shared goes on."""
    job = await pipeline.submit("routing", QUERY)

    async def open_and_read() -> None:
        async with Follower(pipeline.bus, named(job)) as follower:
            async for _ in follower:
                pass

    for turns in range(300):
        reader = asyncio.create_task(open_and_read())
        for _ in range(turns % 12):
            await asyncio.sleep(0)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
    async with asyncio.timeout(10):
        assert await pipeline.result(job)
        assert await pipeline.bus.last_from_any_replica([subjects.job("routing", named(job))])


async def test_a_cancel_that_a_worker_could_not_receive_reaches_it_when_it_is_connected_again(
    pipeline: Pipeline, gemini: Steering, nats: NatsServer
) -> None:
    """The call is closed instead of being paid to its end."""
    port = urlsplit(nats.url).port
    assert port is not None
    await pipeline.stop("classifier")
    async with Relay(port) as relay:
        await pipeline.start("classifier", nats_url=relay.url.replace("http", "nats"))
        await gemini.rule(step="classify", reply={"hold": "reply"})
        job = await pipeline.submit("routing", QUERY)
        await gemini.wait(step="classify", job=job)
        relay.target = None
        await relay.cut()
        await cancel(pipeline.bus, named(job))
        assert isinstance((await pipeline.events(job))[-1], JobCancelled)
        relay.target = port
        (call,) = await gemini.wait(step="classify", job=job, status="disconnected", timeout=30)
        assert call.job == job
        await pipeline.replicas["classifier"].stop()


async def test_a_connection_that_has_gone_silent_is_given_up(pipeline: Pipeline, nats: NatsServer) -> None:
    """No packet comes back and no error: three pings tell, and the next connection takes over."""
    port = urlsplit(nats.url).port
    assert port is not None
    async with Relay(port) as relay, asyncio.timeout(30):
        url = relay.url.replace("http", "nats")
        bus = await connect(pipeline.settings.model_copy(update={"nats_url": url, "nats_ping_interval": 0.2}), "test")
        reconnected = asyncio.Event()
        bus.on_reconnect(reconnected.set)
        relay.pass_nothing()
        while bus.trouble is None:
            await asyncio.sleep(0.05)
        assert bus.trouble == "not connected to NATS"
        relay.pass_all()
        await reconnected.wait()
        assert bus.trouble is None
        await bus.connection.close()


def test_a_silent_connection_is_given_up_within_ten_seconds() -> None:
    options = connect_options(Settings(), "test")
    assert options["ping_interval"] * (options["max_outstanding_pings"] + 1) < 10


async def test_connect_is_unharmed_by_a_cancelled_look_at_history(settings: Settings, pipeline: Pipeline) -> None:
    """Every read may be cancelled at any point."""
    bus = await connect(settings, "test")
    try:
        for turns in range(200):
            reading = asyncio.create_task(bus.last_from_any_replica(["jobs.>"]))
            for _ in range(turns % 8):
                await asyncio.sleep(0)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        async with asyncio.timeout(10):
            assert await bus.last_from_any_replica(["jobs.>"]) == []
    finally:
        await bus.connection.close()
