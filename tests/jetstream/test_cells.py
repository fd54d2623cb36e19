"""Messages that many change, each by what it is."""

import asyncio
import json

from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.cells import Cell

SUBJECT = subjects.places("test")


async def test_no_change_is_lost_however_many_change_it(bus: Bus) -> None:
    async def count(times: int) -> None:
        cell = Cell(bus, SUBJECT)
        while times:
            times -= await cell.swap(json.dumps(json.loads(cell.data or b"0") + 1).encode())

    await asyncio.gather(*(count(10) for _ in range(10)))
    stored = await bus.last_from_leader(subjects.LIMITS, SUBJECT)
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
