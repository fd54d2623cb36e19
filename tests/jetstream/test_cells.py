"""Messages that many change, each by what it is."""

import asyncio
import json

from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.cells import Cell, Cells
from penstock.jetstream.streams import declare
from penstock.settings import Settings

SUBJECT = subjects.places("test")


async def test_no_change_is_lost_however_many_change_it(bus: Bus) -> None:
    async def count(times: int) -> None:
        cell = Cell(bus, SUBJECT)
        while times:
            times -= await cell.swap(json.dumps(json.loads(cell.data or b"0") + 1).encode())

    await asyncio.gather(*(count(10) for _ in range(10)))
    stored = await bus.last_from_leader(SUBJECT)
    assert stored is not None
    assert json.loads(stored.data) == 100


async def test_what_was_removed_begins_anew(bus: Bus) -> None:
    """Or was forgotten when its time was over: NATS says so to whoever has seen it before."""
    cell = Cell(bus, SUBJECT)
    assert await cell.swap(b"1", life=60)
    assert not await Cell(bus, SUBJECT).swap(b"2")
    await bus.jetstream.purge_stream(subjects.LIMITS)
    assert not await cell.swap(b"2")
    assert cell.data is None
    assert await cell.swap(b"2")


async def test_what_is_heard_meanwhile_replaces_nothing_that_was_decided(bus: Bus) -> None:
    """A change of another's that is told between a decision and its writing has the writing refused."""
    cells = Cells(bus)
    async with cells.using(SUBJECT) as cell:
        assert await cell.swap(b"1")
        assert cell.data == b"1"
        other = Cell(bus, SUBJECT)
        assert not await other.swap(b"2")
        assert await other.swap(b"2")
        stored = await bus.last_from_leader(SUBJECT)
        assert stored is not None
        cell.hear(stored.sequence, stored.data)
        assert not await cell.swap(b"3")
        assert cell.data == b"2"


async def test_a_stream_that_was_made_anew_counts_from_one(bus: Bus, settings: Settings) -> None:
    cells = Cells(bus)
    for _ in range(3):
        async with cells.using(SUBJECT) as cell:
            assert await cell.swap(b"old")
    cell.hear(9, b"older still")
    await bus.jetstream.delete_stream(subjects.LIMITS)
    await declare(bus.jetstream, settings)
    async with cells.using(SUBJECT) as cell:
        assert not await cell.swap(b"new")
        assert await cell.swap(b"new")
    async with cells.using(SUBJECT) as cell:
        assert await cell.swap(b"newer")
