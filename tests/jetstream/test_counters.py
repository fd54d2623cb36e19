"""Numbers that many add to at once."""

import asyncio
from urllib.parse import urlsplit

from nats.aio.msg import Msg

from penstock.jetstream import counters, subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.settings import Settings
from tests.client.relay import Relay
from tests.support.patience import PATIENCE
from tests.support.servers import NatsServer

CALLS = subjects.counter("test", "calls")


async def test_each_addition_returns_a_sum_of_its_own(bus: Bus, settings: Settings) -> None:
    """Of two writers at once no addition is lost, and no two are returned the same sum."""
    assert await counters.value(bus, CALLS) == 0
    other = await connect(settings, "other")
    sums = await asyncio.gather(*(counters.add(one, CALLS, 2) for one in (bus, other) for _ in range(100)))
    await other.connection.close()
    assert sorted(sums) == list(range(2, 401, 2))
    assert await counters.add(bus, CALLS, -150) == await counters.value(bus, CALLS) == 250
    assert await counters.value(bus, subjects.counter("test", "others")) == 0


async def test_an_addition_whose_answer_was_lost_counts_once(bus: Bus, settings: Settings, nats: NatsServer) -> None:
    port = urlsplit(nats.url).port
    assert port is not None
    arrived = asyncio.Event()

    def seen(_: Msg) -> None:
        arrived.set()

    await bus.subscribe(CALLS, seen)
    await bus.connection.flush()
    async with Relay(port) as relay, asyncio.timeout(PATIENCE):
        away = await connect(settings.model_copy(update={"nats_url": relay.url.replace("http", "nats")}), "away")
        relay.answers_pass.clear()
        adding = asyncio.create_task(counters.add(away, CALLS, 3))
        await arrived.wait()
        await counters.add(bus, CALLS, 1)
        await relay.cut()
        relay.pass_all()
        assert await adding == await counters.value(bus, CALLS) == 4
        await away.connection.close()
