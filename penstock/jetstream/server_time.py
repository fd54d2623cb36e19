"""NATS's time, as it goes on since it was last read."""

import asyncio
import json
import logging
import time
from contextlib import suppress
from datetime import datetime

import nats.errors
from nats.aio.client import Client

from penstock.jetstream import subjects

log = logging.getLogger(__name__)

#: Seconds that a machine's clock may be off before its replicas are not ready.
TOLERATED = 5.0


class ServerTime:
    """Deadlines are compared by it: they come from the server's time stamps, and a machine's own clock may be wrong.

    Once it was read, it is read `every` so many seconds, until the connection is closed: a machine that was suspended
    has lost time, and the server's clock may be set.
    """

    def __init__(self, *, every: float = 60.0) -> None:
        self._every = every
        self._next: asyncio.TimerHandle | None = None
        self._reading: asyncio.Task[None] | None = None
        self._ahead: float | None = None  # of this machine's monotonic clock

    def now(self) -> float:
        """Unix seconds; by this machine's clock until NATS's was read."""
        return time.time() if self._ahead is None else time.monotonic() + self._ahead

    @property
    def skew(self) -> float:
        """Seconds that this machine's clock is ahead of NATS's."""
        return time.time() - self.now()

    async def read(self, connection: Client) -> None:
        """Read it from the server. Raises what nats-py raises."""
        if self._next is not None:
            self._next.cancel()
        self._next = asyncio.get_running_loop().call_later(self._every, self._start_reading, connection)
        asked = time.monotonic()
        answer = await connection.request(f"$JS.API.STREAM.INFO.{subjects.TURNS}", b"", 2.0)
        if said := json.loads(answer.data).get("ts"):
            self._ahead = datetime.fromisoformat(said).timestamp() - (asked + time.monotonic()) / 2
        if abs(self.skew) > TOLERATED:
            log.error("this machine's clock is wrong", extra={"seconds_ahead": round(self.skew, 1)})

    def _start_reading(self, connection: Client) -> None:
        if not connection.is_closed:
            self._reading = asyncio.get_running_loop().create_task(self._read_again(connection))

    async def _read_again(self, connection: Client) -> None:
        with suppress(nats.errors.Error, OSError, ValueError):  # it is read again after a reconnection
            await self.read(connection)
