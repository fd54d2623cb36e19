"""NATS's time is read again and again: clocks are set, and machines are suspended."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from penstock.jetstream import server_time
from penstock.jetstream.connection import connect
from penstock.jetstream.server_time import ServerTime
from penstock.jetstream.streams import declare
from penstock.settings import Settings
from tests.support.patience import PATIENCE


async def test_time_that_was_lost_is_found_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suspended machine's monotonic clock stands still, and its connection may live on."""
    bus = await connect(settings, "test")
    try:
        await declare(bus.jetstream, settings)
        known = ServerTime(every=0.05)
        await known.read(bus.connection)
        assert abs(known.skew) < 5
        stood_still = SimpleNamespace(time=time.time, monotonic=lambda: time.monotonic() - 3600)
        monkeypatch.setattr(server_time, "time", stood_still)
        assert known.skew > 3000
        async with asyncio.timeout(PATIENCE):
            while abs(known.skew) > 5:
                await asyncio.sleep(0.01)
    finally:
        await bus.connection.close()
        await asyncio.sleep(0)
