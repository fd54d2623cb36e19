"""What the streams keep, how much and for how long, as docs/architecture.md says."""

from pathlib import Path

import pytest

from penstock.errors import Misconfigured
from penstock.jetstream import subjects
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.settings import Settings
from tests.support.pipeline import Pipeline
from tests.support.servers import NatsServer

_DAY = 86_400.0


async def test_every_stream_keeps_what_it_holds_for_its_time(pipeline: Pipeline) -> None:
    """Queues keep it until it is acked, and no longer than its job. What is written once has one message a subject."""
    kept, once = {}, set()
    for stream in await pipeline.bus.jetstream.streams_info():
        kept[stream.config.name] = (stream.config.max_age or 0) / _DAY
        if stream.config.max_msgs_per_subject == 1 and stream.config.discard_new_per_subject:
            once.add(stream.config.name)
    assert kept == {
        subjects.JOBS: 7,
        subjects.TURNS: 7,
        subjects.STEPS: 7,
        subjects.JOURNAL: 7,
        subjects.EVENTS: 1,
        subjects.HOOKS: 7,
        subjects.TIMERS: 7,
        subjects.CACHE: 1 / 24,
        subjects.DEAD: 30,
        subjects.KEYS: 0,  # until somebody removes them
        subjects.MODELS: 0,  # permits are there for ever
        subjects.COUNTERS: 32,
        subjects.SPENDING: 7,
        subjects.LIMITS: 32,
        subjects.USAGE: 400,
    }
    assert once == {subjects.JOBS, subjects.TURNS, subjects.STEPS, subjects.JOURNAL, subjects.HOOKS}


async def test_the_streams_share_one_number_of_bytes_and_follow_it(nats: NatsServer) -> None:
    """Logs drop what is oldest; queues and facts refuse instead. NATS allows no schedules in what refuses."""
    bus = await connect(Settings(nats_url=nats.url), "test")
    for total in (1024**3, 256 * 1024**2, 512 * 1024**2):
        await declare(bus.jetstream, Settings(store_bytes=total, events_max_age_hours=24 + total / 1024**3))
        configs = [info.config for info in await bus.jetstream.streams_info()]
        assert 0.8 * total < sum(config.max_bytes or 0 for config in configs) <= total
        assert all((config.max_bytes or 0) > 0 for config in configs)
        (events,) = (config for config in configs if config.name == subjects.EVENTS)
        assert events.max_age == pytest.approx((24 + total / 1024**3) * 3600)
    dropping = {config.name for config in configs if config.discard == "old"}
    numbers = {subjects.MODELS, subjects.COUNTERS, subjects.SPENDING, subjects.LIMITS, subjects.USAGE}
    assert dropping == {subjects.EVENTS, subjects.TIMERS, subjects.CACHE, subjects.DEAD} | numbers
    await bus.connection.close()


async def test_a_server_with_less_room_than_that_is_named_with_what_to_change(tmp_path: Path) -> None:
    server = NatsServer(tmp_path)
    server.max_store = 100 * 1024**2
    async with server:
        bus = await connect(Settings(nats_url=server.url), "test")
        with pytest.raises(Misconfigured, match=r"PENSTOCK_STORE_BYTES=134217728 .* max_file_store"):
            await declare(bus.jetstream, Settings(store_bytes=128 * 1024**2))
        await declare(bus.jetstream, Settings(store_bytes=64 * 1024**2))
        await bus.connection.close()
