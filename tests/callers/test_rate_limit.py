"""The rate of a caller, as a gateway keeps it with NATS."""

import asyncio
from urllib.parse import urlsplit

from nats.aio.msg import Msg

from penstock.callers.rate import Rate, Used
from penstock.callers.rate_limit import RateLimit
from penstock.errors import BusUnavailable
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.settings import Settings
from tests.client.relay import Relay
from tests.support.patience import PATIENCE
from tests.support.servers import NatsServer

RATE = Rate(5, 86_400)


async def test_a_refusal_is_written_nowhere(bus: Bus) -> None:
    one, other = RateLimit(bus), RateLimit(bus)
    assert [(await one.take("a", RATE)).admitted for _ in range(8)] == [True] * 5 + [False] * 3
    assert [(await other.take("a", RATE)).admitted for _ in range(3)] == [False] * 3
    assert (await bus.jetstream.stream_info(subjects.LIMITS)).state.last_seq == 5


async def test_many_are_counted_before_they_come_and_no_window_has_more(bus: Bus) -> None:
    """By two gateways; of what is left when few are, each is counted by itself, to the last."""
    rate, limits = Rate(2_000, 86_400), (RateLimit(bus), RateLimit(bus))
    standings = [await limits[number % 2].take("a", rate) for number in range(2_400)]
    assert sum(one.admitted for one in standings) == 2_000
    assert [one.admitted for one in standings] == [True] * 2_000 + [False] * 400
    assert standings[1_999].remaining == 0
    assert (await bus.jetstream.stream_info(subjects.LIMITS)).state.last_seq < 1_000


async def test_a_request_whose_answer_was_lost_counts(bus: Bus, settings: Settings, nats: NatsServer) -> None:
    """It was let through, or may have been: asked again it counts once more."""
    port = urlsplit(nats.url).port
    assert port is not None
    arrived = asyncio.Event()

    def seen(_: Msg) -> None:
        arrived.set()

    await bus.subscribe(subjects.rate("a"), seen)
    await bus.connection.flush()
    async with Relay(port) as relay, asyncio.timeout(PATIENCE):
        away = await connect(settings.model_copy(update={"nats_url": relay.url.replace("http", "nats")}), "away")
        relay.answers_pass.clear()
        taking = asyncio.create_task(RateLimit(away).take("a", RATE))
        await arrived.wait()
        await relay.cut()
        relay.pass_all()
        assert (await taking).remaining == 3
        await away.connection.close()


async def test_what_did_not_come_is_given_back_once_though_the_answer_is_lost(
    bus: Bus, settings: Settings, nats: NatsServer
) -> None:
    """It may have been given back by the try whose answer was lost: then there is no more of it."""
    rate, port = Rate(100_000, 86_400), urlsplit(nats.url).port
    assert port is not None
    arrived = asyncio.Event()

    def seen(_: Msg) -> None:
        arrived.set()

    async with Relay(port) as relay, asyncio.timeout(PATIENCE):
        away = await connect(settings.model_copy(update={"nats_url": relay.url.replace("http", "nats")}), "away")
        limit = RateLimit(away)
        for _ in range(9):  # 1, 2, 4 and the first of 8
            await limit.take("a", rate)
        assert limit._ahead["a"].left == 6
        limit._ahead["a"].since = limit._ahead["a"].until = away.time.now() - 60
        await bus.subscribe(subjects.rate("a"), seen)
        await bus.connection.flush()
        relay.answers_pass.clear()
        taking = asyncio.create_task(limit.take("a", rate))
        await arrived.wait()
        await relay.cut()
        relay.pass_all()
        await taking
        await away.connection.close()
    stored = await bus.last_from_leader(subjects.rate("a"))
    assert stored is not None
    # the ten that came, of which the one whose answer was lost counts twice
    assert Used.read(stored.data).count == 11


async def test_what_has_left_the_window_is_not_given_back(bus: Bus) -> None:
    """What is there in its place is another gateway's."""
    rate, limit = Rate(100_000, 86_400), RateLimit(bus)
    for _ in range(9):  # 1, 2, 4 and the first of 8
        await limit.take("a", rate)
    limit._ahead["a"].since = limit._ahead["a"].until = bus.time.now() - rate.seconds
    await limit.take("a", rate)
    stored = await bus.last_from_leader(subjects.rate("a"))
    assert stored is not None
    assert Used.read(stored.data).count == 1 + 2 + 4 + 8 + 1


async def test_all_who_ask_wait_for_a_mute_nats_together(settings: Settings, bus: Bus, nats: NatsServer) -> None:
    """Not one after the other, each as long again."""
    port = urlsplit(nats.url).port
    assert port is not None
    async with Relay(port) as relay:
        through = settings.model_copy(
            update={"nats_url": relay.url.replace("http", "nats"), "nats_ping_interval": PATIENCE, "nats_timeout": 1.0}
        )
        away = await connect(through, "away")
        relay.answers_pass.clear()
        async with asyncio.timeout(PATIENCE):
            rates = RateLimit(away)
            taking = (rates.take("a", RATE) for _ in range(100))
            assert {type(one) for one in await asyncio.gather(*taking, return_exceptions=True)} == {BusUnavailable}
        relay.pass_all()
        await away.connection.close()
