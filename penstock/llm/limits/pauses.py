"""Models whose provider takes no calls for a while (429): no replica asks them meanwhile."""

import asyncio
import logging
from contextlib import AsyncExitStack
from random import random

from nats.aio.msg import Msg
from pydantic import ValidationError

from penstock.contracts.wire import Tolerant
from penstock.errors import BusUnavailable, ModelUnavailable
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus

log = logging.getLogger(__name__)

#: Seconds of a pause where the provider says nothing; and what counts of what it says.
_UNSAID, _LONGEST = 1.0, 3_600.0
#: Seconds within which the calls that waited begin, after the pause.
_SHORTEST_SPREAD, _LONGEST_SPREAD = 1.0, 60.0
#: Seconds that a pause must end later than the one that is known to be one of its own.
_SAME = 1.0


class Pause(Tolerant):
    """No calls until `until` (Unix time); those that come before `until + spread` begin anywhere between the two."""

    model: str
    until: float
    spread: float


class Pauses:
    """The pauses of all models, as all replicas know them at once."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._pauses: dict[str, Pause] = {}
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        every = subjects.model_pause("*")
        await self._stack.enter_async_context(self._bus.following(self._read, self._hear, every))

    async def aclose(self) -> None:
        await self._stack.aclose()

    def of(self, model: str) -> Pause | None:
        """The pause that a call may have to wait for."""
        pause = self._pauses.get(model)
        if pause is not None and pause.until + pause.spread <= self._bus.time.now():
            del self._pauses[model]
            return None
        return pause

    async def over(self, model: str, *, seen: Pause | None, until: float) -> Pause | None:
        """Wait for a moment that is this call's to begin; the pause that it waited for, which may be `seen`.

        So the calls of a pause do not come all at once when it is over: their rate grows back for as long again.
        Raises ModelUnavailable at once where it lasts beyond `until`: another model may be there sooner.
        """
        while (pause := self.of(model)) is not None and pause is not seen:
            begins, now = pause.until + pause.spread * random(), self._bus.time.now()
            if begins > until:
                raise ModelUnavailable(f"{model} takes no calls for {begins - now:.0f} s", retry_after=begins - now)
            seen = pause
            await asyncio.sleep(begins - now)
        return seen

    async def refused(self, model: str, began: float, seconds: float | None) -> None:
        """A call that began at `began` (Unix time) was answered that the model takes none for so many seconds.

        Where it was one of those that began after a pause, the next ones come at half their rate.
        """
        seconds = min(seconds or _UNSAID, _LONGEST)
        known, until = self._pauses.get(model), self._bus.time.now() + seconds
        if known is not None and until <= known.until + _SAME:
            return
        spread = max(seconds, _SHORTEST_SPREAD)
        if known is not None:
            spread = max(spread, 2 * known.spread) if began >= known.until else max(spread, known.spread)
        pause = Pause(model=model, until=until, spread=min(spread, _LONGEST_SPREAD))
        self._pauses[model] = pause
        log.warning("the model takes no calls for %.1f s", seconds, extra={"model": model})
        try:
            await self._bus.append(subjects.model_pause(model), pause.model_dump_json().encode())
        except BusUnavailable as error:
            log.warning("other replicas do not know: %s", error, extra={"model": model})

    async def _read(self) -> None:
        every = [subjects.model_pause("*")]
        async for stored in self._bus.each_last_from_any_replica(every):
            self._known(stored.data)

    def _hear(self, message: Msg) -> None:
        self._known(message.data)

    def _known(self, data: bytes) -> None:
        try:
            pause = Pause.model_validate_json(data)
        except ValidationError:
            log.warning("a pause that cannot be read", extra={"size": len(data)})
            return
        known = self._pauses.get(pause.model)
        if known is None or pause.until > known.until:
            self._pauses[pause.model] = pause
