"""What is asked for at once is bounded in bytes: NATS drops a connection that has too much still to take."""

import asyncio
import logging
import tracemalloc

import pytest
from nats.aio.msg import Msg

from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.pull import PullGroup
from penstock.jetstream.streams import declare
from penstock.settings import Settings
from tests.support.naming import named
from tests.support.patience import PATIENCE

COUNT, BODY = 60, b"x" * 1_000_000


async def full_of_jobs(settings: Settings) -> Bus:
    bus = await connect(settings, "test")
    await declare(bus.jetstream, settings)
    for number in range(COUNT):
        await bus.append(subjects.job("routing", named(f"job-{number}")), BODY)
    return bus


async def test_history_comes_in_batches_of_few_bytes(settings: Settings) -> None:
    """However many messages are wanted."""
    bus = await full_of_jobs(settings)
    tracemalloc.start()
    try:
        assert [len(stored.data) async for stored in bus.history("jobs.>")] == [len(BODY)] * COUNT
        assert tracemalloc.get_traced_memory()[1] < 10 * len(BODY)
    finally:
        tracemalloc.stop()
        await bus.connection.close()


async def test_a_request_for_many_large_messages_ends_and_is_made_again(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """More free slots than the messages of one request may have bytes: all come, without a pause."""
    bus = await full_of_jobs(settings)
    group, seen, done = PullGroup(slots=COUNT, ack_wait=settings.ack_wait), set[str](), asyncio.Event()

    async def handle(message: Msg) -> None:
        await message.ack()
        seen.add(message.subject)
        if len(seen) == COUNT:
            done.set()

    with caplog.at_level(logging.WARNING):
        await group.consume(bus.connection, subjects.JOBS, subjects.AGGREGATOR, handle)
        await asyncio.wait_for(done.wait(), PATIENCE)
    assert "cannot pull" not in caplog.text
    await group.stop(0)
    await bus.connection.close()
