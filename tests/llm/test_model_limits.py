"""What the limits of a model are made of: permits, places in a minute, pauses."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import Misconfigured
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.llm.limits.pace import Booked, Pace, Place, book, correct, give_back
from penstock.llm.limits.pauses import Pauses
from penstock.llm.limits.permits import Permits
from penstock.settings import Settings
from tests.support.patience import PATIENCE
from tests.support.servers import NatsServer

MODEL = "gemini-3.8 / flash*"


@pytest.fixture
async def buses(settings: Settings) -> AsyncIterator[list[Bus]]:
    """The connections of two replicas."""
    buses = [await connect(settings, "test") for _ in range(2)]
    await declare(buses[0].jetstream, settings)
    yield buses
    for bus in buses:
        await bus.connection.close()


# permits


async def test_there_are_never_more_calls_than_permits(buses: list[Bus]) -> None:
    """Two replicas, forty calls, three permits."""
    running, peak, ended = 0, 0, 0
    async with AsyncExitStack() as stack:
        replicas = [Permits(bus, MODEL, 3, ack_wait=30) for bus in buses]
        for replica in replicas:
            await replica.open()
            stack.push_async_callback(replica.aclose)

        async def call(replica: Permits) -> None:
            nonlocal running, peak, ended
            permit = await replica.take()
            running += 1
            peak = max(peak, running)
            await asyncio.sleep(0)
            running, ended = running - 1, ended + 1
            await replica.give_back(permit)

        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(call(replica) for replica in replicas * 20))
    assert (peak, ended) == (3, 40)


async def test_the_count_that_was_opened_last_holds(buses: list[Bus]) -> None:
    many, one = Permits(buses[0], MODEL, 3, ack_wait=3), Permits(buses[1], MODEL, 1, ack_wait=3)
    async with asyncio.timeout(PATIENCE):
        await many.open()
        held = [await many.take() for _ in range(3)]
        await one.open()
        waiting = asyncio.ensure_future(one.take())
        for permit in sorted(held, key=lambda permit: permit.message.subject, reverse=True):
            assert not waiting.done()
            await many.give_back(permit)
        permit = await waiting
        assert permit.message.subject == subjects.model_permit(MODEL, 0)
        await one.give_back(permit)
    await many.aclose()
    await one.aclose()


async def test_there_are_as_many_permits_after_nats_was_killed(buses: list[Bus], nats: NatsServer) -> None:
    permits = Permits(buses[0], MODEL, 2, ack_wait=5)
    await permits.open()
    async with asyncio.timeout(PATIENCE):
        held = [await permits.take() for _ in range(2)]
        await nats.kill()
        await nats.start()
        for permit in held:
            await permits.give_back(permit)
        held = [await permits.take() for _ in range(2)]
        assert {permit.message.subject for permit in held} == {subjects.model_permit(MODEL, n) for n in range(2)}
        third = asyncio.ensure_future(permits.take())
        await buses[1].connection.flush()
        assert not third.done()
        await permits.give_back(held[0])
        await permits.give_back(await third)
    await permits.aclose()


async def test_who_gives_up_waiting_takes_no_permit_along(buses: list[Bus]) -> None:
    permits = Permits(buses[0], MODEL, 1, ack_wait=30)
    await permits.open()
    async with asyncio.timeout(PATIENCE):
        held = await permits.take()
        leaving, staying = (asyncio.ensure_future(permits.take()) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        await permits.give_back(held)
        await permits.give_back(await staying)
    await permits.aclose()


# the minute

TIMES = st.lists(st.tuples(st.floats(0, 40), st.integers(0, 120)), min_size=1, max_size=40)


@given(TIMES)
def test_no_minute_has_more_than_its_limits(calls: list[tuple[float, int]]) -> None:
    """Whatever comes when: calls begin in the order they come, and no later than they must."""
    booked: Booked = {}
    now, begun = 1_000.0, list[tuple[int, int]]()
    for pause, tokens in calls:
        now += pause
        place = book(booked, now, tokens, calls_a_minute=5, tokens_a_minute=200)
        assert place.second >= max([int(now), *(second for second, _ in begun)])
        begun.append((place.second, tokens))
    for first, _ in begun:
        minute = [tokens for second, tokens in begun if first <= second <= first + 60]
        assert len(minute) <= 5
        assert sum(minute) <= 200


def test_a_call_beyond_the_limit_has_a_minute_to_itself() -> None:
    booked: Booked = {}
    places = [book(booked, 1_000.5, tokens, calls_a_minute=math.inf, tokens_a_minute=100) for tokens in (1, 500, 1)]
    assert [place.second for place in places] == [1000, 1061, 1122]


def test_what_a_call_did_not_take_others_may() -> None:
    booked: Booked = {}
    place = book(booked, 1_000, 100, calls_a_minute=9, tokens_a_minute=100)
    correct(booked, 1_005, place, 30)
    assert book(booked, 1_005, 70, calls_a_minute=9, tokens_a_minute=100) == Place(1_005, 70)
    correct(booked, 1_010, place, 150)
    assert booked == {1_000: (1, 30), 1_005: (1, 70), 1_010: (0, 50)}
    give_back(booked, place)
    assert 1_000 not in booked


async def test_two_replicas_book_one_minute(buses: list[Bus]) -> None:
    """A hundred calls at once, and fifty a minute: it is fifty that begin, and what is given back is another's."""
    replicas = [Pace(bus, MODEL, calls=50, tokens=None) for bus in buses]
    began = time.time()
    async with asyncio.timeout(PATIENCE):
        places = await asyncio.gather(*(replica.book(0) for replica in replicas * 50))
        now = [place for place in places if place.second < began + 60]
        assert len(now) == 50
        for place in places:
            replicas[0].give_back(place)
        await replicas[0].aclose()
        assert (await replicas[1].book(0)).second < began + 60


# pauses


async def test_all_replicas_know_of_a_pause_at_once(buses: list[Bus]) -> None:
    """So does one that starts later; other models have none."""
    told, telling, later = Pauses(buses[0]), Pauses(buses[1]), Pauses(buses[0])
    await told.open()
    await telling.refused(MODEL, began=buses[0].time.now(), seconds=30)
    async with asyncio.timeout(PATIENCE):
        while told.of(MODEL) is None:
            await asyncio.sleep(0.01)
    await later.open()
    assert told.of(MODEL) == telling.of(MODEL) == later.of(MODEL)
    assert told.of("another") is None
    await told.aclose()
    await later.aclose()


async def test_the_rate_grows_back_slower_where_it_was_refused_again(buses: list[Bus]) -> None:
    pauses = Pauses(buses[0])
    now = buses[0].time.now
    await pauses.refused(MODEL, began=now(), seconds=0.01)
    first = pauses.of(MODEL)
    assert first is not None
    await pauses.refused(MODEL, began=now() - 5, seconds=2)  # it was under way before
    second = pauses.of(MODEL)
    assert second is not None
    await pauses.refused(MODEL, began=second.until + 1, seconds=4)
    third = pauses.of(MODEL)
    assert third is not None
    assert (first.spread, second.spread, third.spread) == (1, 2, 4)
    await pauses.refused(MODEL, began=third.until + 1, seconds=5.5)
    assert (fourth := pauses.of(MODEL)) is not None
    assert fourth.spread == 8


# settings


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ('{"a": {"concurrent": 0}}', "PENSTOCK_MODEL_LIMITS a/concurrent=0: .*greater than or equal to 1"),
        ('{"a": {"tokens": 5}}', "PENSTOCK_MODEL_LIMITS a/tokens=5: there is no such member"),
        ('{"a": 5}', "PENSTOCK_MODEL_LIMITS"),
        ("{", "PENSTOCK_MODEL_LIMITS={: it should be JSON"),
    ],
)
def test_limits_that_do_not_fit_are_refused_at_start(monkeypatch: pytest.MonkeyPatch, given: str, says: str) -> None:
    monkeypatch.setenv("PENSTOCK_MODEL_LIMITS", given)
    with pytest.raises(Misconfigured, match=says):
        Settings()


def test_limits_are_given_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_MODEL_LIMITS", '{"*": {"requestsPerMinute": 300, "tokensPerMinute": 1000000}}')
    limit = Settings().model_limits["*"]
    assert (limit.concurrent, limit.requests_per_minute, limit.tokens_per_minute) == (None, 300, 1_000_000)
