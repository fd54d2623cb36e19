"""One job's journal as the aggregator follows it: what is there, and what comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from nats.aio.msg import Msg
from pydantic import BaseModel, ValidationError

from penstock.contracts.journal import END, START, JobEnd, JobStart, Outcome, is_step
from penstock.contracts.waiting import Shift, TimerFired, Waiting, wait_key
from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.releases import newer
from penstock.jetstream.settling import TooNew
from penstock.jetstream.stored import Stored

Written = TypeVar("Written", JobStart, JobEnd, Outcome, Waiting, TimerFired, Shift)
Fact = TypeVar("Fact", bound=BaseModel)


class Journal:
    """The facts of one job, complete and kept up to date within `async with Journal.following(…)`.

    What is delivered on `facts.<tenant>.<job>.*` is stored already, so it is taken as the fact itself; what was missed
    (a reconnection, an overrun) is read again from the stream.
    """

    def __init__(self, bus: Bus, job: JobName) -> None:
        self._bus, self._job = bus, job
        self._facts: dict[str, bytes] = {}
        self._places: dict[str, int] = {}  # of those that were not written here
        self._newer: dict[str, str] = {}  # the releases of those that a newer one wrote
        self._read_to = 0
        self._waiting: dict[str, asyncio.Future[None]] = {}

    @classmethod
    @asynccontextmanager
    async def following(cls, bus: Bus, job: JobName) -> AsyncIterator["Journal"]:
        journal = cls(bus, job)
        try:
            async with bus.following(journal.read, journal._hear, subjects.fact(job, ">")):
                yield journal
        finally:
            for waiter in journal._waiting.values():
                waiter.cancel()

    @property
    def start(self) -> JobStart | None:
        return self.fact(START, JobStart)

    @property
    def end(self) -> JobEnd | None:
        return self.fact(END, JobEnd)

    def outcome(self, key: str) -> Outcome | None:
        return self.fact(key, Outcome)

    def outcomes(self) -> list[Outcome]:
        """All outcomes known here that can be read, in the order of their keys."""
        found: list[Outcome] = []
        for key in sorted(filter(is_step, self._facts)):
            with suppress(TooNew):
                found += filter(None, [self.outcome(key)])
        return found

    def waits(self) -> set[str]:
        """The keys of all waits that are known to have begun."""
        return {key.removeprefix(wait_key("")) for key in self._facts if key.startswith(wait_key(""))}

    def has(self, *keys: str) -> bool:
        """Whether a fact under one of `keys` is known."""
        return any(key in self._facts for key in keys)

    def fact(self, key: str, model: type[Fact]) -> Fact | None:
        """What is known under `key`. Raises TooNew where a newer release wrote what cannot be read here."""
        data = self._facts.get(key)
        try:
            return model.model_validate_json(data) if data else None
        except ValidationError:
            self.leave_to_newer(key)
            raise

    def leave_to_newer(self, key: str) -> None:
        """To be called where what is under `key` cannot be read: raises TooNew if a newer release wrote it."""
        if by := self._newer.get(key):
            raise TooNew(by, f"the fact {key!r}")

    async def first(self, *keys: str) -> str:
        """Wait until there is a fact under one of `keys`, and return the key of the one that was written first.

        For facts that others write.
        """
        while not (there := [key for key in keys if key in self._facts]):
            ones = [self._waiting.setdefault(key, asyncio.get_running_loop().create_future()) for key in keys]
            done, _ = await asyncio.wait(ones, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()  # raises CancelledError where nobody follows the journal any more
        if max(self._places[key] for key in there) > self._read_to:
            await self.read()  # one that was written before may not have been received
        return min((key for key in keys if key in self._facts), key=self._places.__getitem__)

    async def wait_for(self, key: str) -> None:
        """Wait until there is a fact under `key`."""
        if key not in self._facts:
            # shared by all who wait for the key: if one of them is cancelled, the others go on waiting
            await asyncio.shield(self._waiting.setdefault(key, asyncio.get_running_loop().create_future()))

    async def write(self, key: str, fact: Written) -> Written:
        """Write a fact unless there is one under its key, and return the one that is there."""
        payload = fact.model_dump_json().encode()
        if await self._bus.once(subjects.journal(self._job, key), payload):
            self._note(key, payload)
        else:
            await self.read()
        written = self.fact(key, type(fact))
        assert written is not None
        return written

    async def read(self) -> None:
        """Read all facts from the stream."""
        async for stored in self._bus.history(subjects.journal(self._job, ">")):
            self._note(subjects.key_of(stored.subject), stored.data, stored.sequence, newer(stored.headers))
            self._read_to = max(self._read_to, stored.sequence)

    def _hear(self, message: Msg) -> None:
        stored = Stored.of(message)
        self._note(subjects.key_of(stored.subject), stored.data, stored.sequence, newer(stored.headers))

    def _note(self, key: str, data: bytes, place: int = 0, by: str | None = None) -> None:
        if by is not None and key not in self._facts:
            self._newer[key] = by
        self._facts.setdefault(key, data)
        self._places.setdefault(key, place)
        if (waiter := self._waiting.pop(key, None)) is not None and not waiter.done():
            waiter.set_result(None)
