"""A claim that an attempt holds in the cache of replies, and what its messages have in common."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from nats.js.errors import APIError

from penstock.cancelling import stop
from penstock.errors import BusUnavailable, Failure
from penstock.jetstream.bus import Bus
from penstock.jetstream.storage import is_passing

log = logging.getLogger(__name__)

#: Seconds that NATS has for its answer to a renewal, once the claim has ended.
_UNDER_WAY = 1.0

Renew = Callable[[str, int], Awaitable[int | None]]


class Held:
    """Renewed from its beginning to its `end`, or until another one has replaced it."""

    def __init__(self, bus: Bus, subject: str, sequence: int, every: float, claim: Renew) -> None:
        """`every`: seconds. `claim`: as that of Replies."""
        self._bus, self._subject, self._sequence, self._every, self._claim = bus, subject, sequence, every, claim
        self._renewing: asyncio.Task[None] | None = None
        self._wait()

    def _wait(self) -> None:
        """Most questions are answered before there is anything to renew: a timer is cheaper than a task."""
        self._next = asyncio.get_running_loop().call_later(self._every, self._start)

    def _start(self) -> None:
        self._renewing = asyncio.get_running_loop().create_task(self._renew())

    async def _renew(self) -> None:
        sequence: int | None = self._sequence
        try:
            sequence = await self._claim(self._subject, self._sequence)
        except Exception as error:
            tolerate(error, self._subject)
        if sequence is not None:
            self._sequence = sequence
            self._wait()

    async def end(self, word: bytes | None) -> None:
        """`word` in its place, unless a reply stands there. Nothing is waited for but a renewal that is under way."""
        self._next.cancel()
        if self._renewing is not None:
            await asyncio.wait({self._renewing}, timeout=_UNDER_WAY)  # of which NATS has the sequence
            await stop(self._renewing)
            self._next.cancel()
        if word is not None:
            try:
                await self._bus.connection.publish(self._subject, word, headers=instead_of(self._sequence))
            except Exception as error:
                tolerate(error, self._subject)


def instead_of(sequence: int) -> dict[str, str]:
    return {"Nats-Expected-Last-Subject-Sequence": str(sequence)}


def tolerate(error: Exception, subject: str) -> None:
    """Raises what is not NATS's refusal, nor its absence."""
    if not (isinstance(error, APIError | BusUnavailable | Failure | TimeoutError) or is_passing(error)):
        raise error
    log.warning("the cache is left out: %r", error, extra={"subject": subject})
