"""Hearing how often services look at what stands in the cache: requests to NATS pass by on a plain subject."""

import asyncio

from nats.aio.msg import Msg

from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from tests.support.patience import PATIENCE

#: Once it has found a claim, a replica subscribes to what becomes of it, and looks again.
_LOOKS = 2


class Waiting:
    """`async with`: hears, from entry on, who begins to wait for another one's reply."""

    def __init__(self, bus: Bus) -> None:
        self._bus, self._looks = bus, asyncio.Semaphore(0)

    async def __aenter__(self) -> "Waiting":
        subject = f"$JS.API.STREAM.MSG.GET.{subjects.CACHE}"
        self._subscription = await self._bus.connection.subscribe(subject, cb=self._on_message)
        await self._bus.connection.flush()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._subscription.unsubscribe()

    async def more(self, count: int = 1) -> None:
        """Return once so many more wait."""
        async with asyncio.timeout(PATIENCE):
            for _ in range(count * _LOOKS):
                await self._looks.acquire()

    async def _on_message(self, _: Msg) -> None:
        self._looks.release()
