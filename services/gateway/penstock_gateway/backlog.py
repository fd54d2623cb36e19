"""How many jobs wait for an aggregator: the gateway accepts no more than the fleet is likely to finish."""

import asyncio

import nats.errors
from nats.js.errors import Error as JetStreamError

from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus

#: Seconds for which a look at the queue holds, and that a look may take.
_HOLDS, _PATIENCE = 1.0, 2.0


class Backlog:
    """Looks at most once a second, however many ask; those who ask meanwhile get the last answer."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._looked = float("-inf")
        self.waiting = 0

    async def is_full(self, bus: Bus) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._looked >= _HOLDS:
            self._looked = now
            try:
                info = await asyncio.wait_for(
                    bus.jetstream.consumer_info(subjects.JOBS, subjects.AGGREGATOR), timeout=_PATIENCE
                )
                self.waiting = info.num_pending or 0
            except (TimeoutError, nats.errors.Error, JetStreamError):
                pass  # whoever submits now will be told by the submission itself
        return self.waiting > self._limit
