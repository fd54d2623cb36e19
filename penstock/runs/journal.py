"""One job's journal as the aggregator follows it: what is there, and what comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from nats.aio.msg import Msg

from penstock.contracts.journal import END, RESERVED_KEYS, START, JobEnd, JobStart, Outcome
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus, Stored

Written = TypeVar("Written", JobStart, JobEnd, Outcome)


class Journal:
    """The facts of one job, complete and kept up to date within `async with Journal.following(…)`.

    What is delivered on `facts.<job>.*` is stored already, so it is taken as the fact itself; what was missed
    (a reconnection, an overrun) is read again from the stream.
    """

    def __init__(self, bus: Bus, job: str) -> None:
        self._bus, self._job = bus, job
        self._facts: dict[str, bytes] = {}
        self._waiting: dict[str, asyncio.Future[None]] = {}

    @classmethod
    @asynccontextmanager
    async def following(cls, bus: Bus, job: str) -> AsyncIterator["Journal"]:
        journal = cls(bus, job)
        try:
            async with bus.following(journal.read, journal._on_message, subjects.fact(job, "*")):
                yield journal
        finally:
            for waiter in journal._waiting.values():
                waiter.cancel()

    @property
    def start(self) -> JobStart | None:
        data = self._facts.get(START)
        return JobStart.model_validate_json(data) if data else None

    @property
    def end(self) -> JobEnd | None:
        data = self._facts.get(END)
        return JobEnd.model_validate_json(data) if data else None

    def outcome(self, key: str) -> Outcome | None:
        data = self._facts.get(key)
        return Outcome.model_validate_json(data) if data else None

    def outcomes(self) -> list[Outcome]:
        """All outcomes known here, in the order of their keys."""
        keys = sorted(self._facts.keys() - RESERVED_KEYS)
        return [Outcome.model_validate_json(self._facts[key]) for key in keys]

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
        return type(fact).model_validate_json(self._facts[key])

    async def read(self) -> None:
        """Read all facts from the stream."""
        async for stored in self._bus.history(subjects.JOURNAL, subjects.journal(self._job, "*")):
            self._note(subjects.tokens(stored.subject)[-1], stored.data)

    async def _on_message(self, message: Msg) -> None:
        stored = Stored.of(message)
        self._note(subjects.tokens(stored.subject)[-1], stored.data)

    def _note(self, key: str, data: bytes) -> None:
        self._facts.setdefault(key, data)
        if (waiter := self._waiting.pop(key, None)) is not None and not waiter.done():
            waiter.set_result(None)
