"""Calls and tokens of one model in a minute.

One message says how many calls and tokens are booked for each second of the last minute, and of the time to come. A
call books the first second that leaves both limits kept, and that is not before what is booked already: so who asks
first is first, and nobody has to try again when a minute is over. It is written only onto what was read.
"""

import asyncio
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from nats.js.api import Header
from nats.js.errors import APIError
from pydantic import TypeAdapter

from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.storage import is_outdated

T = TypeVar("T")

#: Calls and tokens by second, in Unix time.
Booked = dict[int, tuple[int, int]]
_BOOKED = TypeAdapter(Booked)
_MINUTE = 60
#: Seconds, at most, until what another replica was faster to change is changed again.
_AGAIN = 0.01


@dataclass(frozen=True, slots=True)
class Place:
    """A call's second, and the tokens that are booked for it."""

    second: int
    tokens: int


def book(booked: Booked, now: float, tokens: int, *, calls_a_minute: float, tokens_a_minute: float) -> Place:
    """Book the place of a call that takes so many tokens.

    In any 60 s there begin no more calls, and no calls of more tokens, than a minute has. One that takes more than all
    has a minute to itself.
    """
    for second in [second for second in booked if second < int(now) - _MINUTE]:
        del booked[second]
    second, wanted = max([int(now), *booked]), min(tokens, tokens_a_minute)
    while True:
        # a call may begin at any moment of its second: so that of a minute before counts, too
        last = [used for other, used in booked.items() if second - _MINUTE <= other]
        if len(last) == 0 or (
            sum(calls for calls, _ in last) < calls_a_minute
            and sum(tokens for _, tokens in last) + wanted <= tokens_a_minute
        ):
            break
        second += 1
    _add(booked, second, 1, tokens)
    return Place(second, tokens)


def correct(booked: Booked, now: float, place: Place, tokens: int) -> None:
    """The call took so many tokens. What it took beyond its place counts from now on."""
    more = tokens - place.tokens
    if more > 0:
        _add(booked, max(int(now), place.second), 0, more)
    elif place.second in booked:
        _add(booked, place.second, 0, more)


def give_back(booked: Booked, place: Place) -> None:
    """There was no call."""
    if place.second in booked:
        _add(booked, place.second, -1, -place.tokens)


def _add(booked: Booked, second: int, calls: int, tokens: int) -> None:
    before = booked.get(second, (0, 0))
    booked[second] = max(0, before[0] + calls), max(0, before[1] + tokens)
    if booked[second] == (0, 0):
        del booked[second]


class Pace:
    """The minute of one model, which all replicas share."""

    def __init__(self, bus: Bus, model: str, *, calls: int | None, tokens: int | None) -> None:
        self._bus, self._subject = bus, subjects.model_pace(model)
        self._calls, self._tokens = calls or math.inf, tokens or math.inf
        #: Changes that are not written yet: by one of those who wait, for all.
        self._changes: list[tuple[asyncio.Future[Any], Callable[[Booked, float], Any]]] = []
        self._writing = asyncio.Lock()
        self._afterwards: set[asyncio.Task[None]] = set()

    async def book(self, tokens: int) -> Place:
        """Raises BusUnavailable while NATS is away."""
        limits = {"calls_a_minute": self._calls, "tokens_a_minute": self._tokens}
        return await self._change(lambda booked, now: book(booked, now, tokens, **limits))

    def correct(self, place: Place, tokens: int) -> None:
        """Soon."""
        if tokens != place.tokens and self._tokens < math.inf:
            self._soon(lambda booked, now: correct(booked, now, place, tokens))

    def give_back(self, place: Place) -> None:
        """Soon."""
        self._soon(lambda booked, _: give_back(booked, place))

    def _soon(self, change: Callable[[Booked, float], None]) -> None:
        task = asyncio.ensure_future(self._change(change))
        self._afterwards.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._afterwards.discard(task)
        if not task.cancelled():
            task.exception()  # what is not corrected was booked as it was thought to be

    async def aclose(self) -> None:
        if self._afterwards:
            await asyncio.wait(self._afterwards, timeout=1)

    async def _change(self, change: Callable[[Booked, float], T]) -> T:
        """What it returns, once it is written."""
        written: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._changes.append((written, change))
        try:
            async with self._writing:
                while not written.done():
                    await self._write()
            return written.result()
        finally:
            written.cancel()

    async def _write(self) -> None:
        self._changes = [one for one in self._changes if not one[0].cancelled()]
        changes = list(self._changes)
        stored = await self._bus.last_from_leader(self._subject)
        booked, now = _BOOKED.validate_json(stored.data) if stored else {}, self._bus.time.now()
        results = [change(booked, now) for _, change in changes]
        headers = {Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: str(stored.sequence if stored else 0)}
        try:
            await self._bus.append(self._subject, _BOOKED.dump_json(booked), headers=headers)
        except APIError as error:
            if not is_outdated(error):
                raise
            await asyncio.sleep(random.uniform(0, _AGAIN))
            return
        self._changes = self._changes[len(changes) :]
        for (written, _), result in zip(changes, results, strict=True):
            if not written.done():
                written.set_result(result)
