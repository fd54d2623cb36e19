"""NATS stands still for a moment, or has no room for one: what follows is not held up by it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from nats.errors import TimeoutError as NoAnswer
from nats.js.api import StreamConfig
from nats.js.errors import APIError

from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.source import Source
from penstock.jetstream.streams import declare
from penstock.settings import Settings
from tests.client.relay import Relay
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.servers import NatsServer


class Slow(Relay):
    """Passes answers again as soon as it was asked `until` so many `times`."""

    until, times = b"none", 1

    def passed(self, piece: bytes) -> bytes:
        if found := piece.count(self.until):
            self.times -= found
            if self.times <= 0:
                self.answers_pass.set()
        return piece


@pytest.fixture
async def relay(nats: NatsServer) -> AsyncIterator[Slow]:
    port = urlsplit(nats.url).port
    assert port is not None
    async with Slow(port) as relay:
        yield relay


@pytest.fixture
async def bus(relay: Slow, settings: Settings) -> AsyncIterator[Bus]:
    url = relay.url.replace("http", "nats")
    bus = await connect(settings.model_copy(update={"nats_url": url, "nats_timeout": 10}), "test")
    await declare(bus.jetstream, settings)
    yield bus
    relay.pass_all()
    await bus.connection.close()


async def test_messages_stored_during_a_pause_are_known_to_be_after_it(bus: Bus, relay: Slow) -> None:
    """The confirmations came too late, all at once; to be told that a message is there is as good.

    They come when all have waited in vain, and asked.
    """
    relay.answers_pass.clear()
    relay.until, relay.times = b"STREAM.INFO.JOURNAL", 8
    facts = [bus.once(subjects.journal(named(f"job{number}"), "a-1"), b"{}") for number in range(8)]
    assert await asyncio.gather(*facts) == [False] * 8
    assert bus.storage.trouble is None


async def test_a_stream_that_goes_on_confirming_nothing_is_told(bus: Bus, nats: NatsServer) -> None:
    """It answers questions all the while: its disk does not take anything."""
    await bus.append(subjects.journal(named("job"), "a-1"), b"{}")
    nats.break_disk()
    for number in (1, 2):
        assert bus.storage.trouble is None
        with pytest.raises(NoAnswer):
            await bus.publish(subjects.journal(named("job"), f"b-{number}"), bytes(1_000_000))
    assert "confirms nothing" in (bus.storage.trouble or "")


async def test_a_message_that_is_stored_already_leaves_its_turn_to_others(bus: Bus) -> None:
    """While a stream is full one message tries at a time: this one has no need of room."""
    config: StreamConfig = (await bus.jetstream.stream_info(subjects.JOURNAL)).config
    known, new = subjects.journal(named("job"), "a-1"), subjects.journal(named("job"), "b-1")
    await bus.append(known, b"{}")
    await bus.jetstream.update_stream(config.evolve(max_bytes=1))
    with pytest.raises(APIError, match="maximum bytes"):
        await bus.publish(new, b"{}")
    async with asyncio.timeout(PATIENCE):
        while bus.storage.refuses(subjects.JOURNAL):
            await asyncio.sleep(0.01)
    for subject, refusal in ((known, "per subject"), (new, "maximum bytes")):
        with pytest.raises(APIError, match=refusal):
            await bus.publish(subject, b"{}")


async def test_who_stops_pulling_while_nats_is_slow_stays_connected(bus: Bus, relay: Slow) -> None:
    """What runs has its grace after that, and outcomes to store."""
    ignore: Any = None
    source = Source(bus.connection, subjects.JOBS, subjects.AGGREGATOR, ignore, received=ignore, changed=ignore)
    await source.open()
    await bus.connection.request("$JS.API.INFO", b"", PATIENCE)
    relay.answers_pass.clear()
    await source.aclose()
    relay.answers_pass.set()
    assert await bus.once(subjects.journal(named("job"), "a-1"), b"{}")
