"""NATS's time, as it goes on since it was last read."""

import json
import logging
import time
from datetime import datetime

from nats.aio.client import Client

from penstock.jetstream import subjects

log = logging.getLogger(__name__)

#: Seconds that a machine's clock may be off before its replicas are not ready.
TOLERATED = 5.0


class ServerTime:
    """Deadlines are compared by it: they come from the server's time stamps, and a machine's own clock may be wrong."""

    def __init__(self) -> None:
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
        asked = time.monotonic()
        answer = await connection.request(f"$JS.API.STREAM.INFO.{subjects.JOBS}", b"", 2.0)
        if said := json.loads(answer.data).get("ts"):
            self._ahead = datetime.fromisoformat(said).timestamp() - (asked + time.monotonic()) / 2
        if abs(self.skew) > TOLERATED:
            log.error("this machine's clock is wrong", extra={"seconds_ahead": round(self.skew, 1)})
