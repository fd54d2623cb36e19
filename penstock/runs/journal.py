"""One job's journal as the aggregator follows it: what is there, and what comes."""

import asyncio
from contextlib import AsyncExitStack

from nats.aio.msg import Msg

from penstock.contracts.journal import END, RESERVED_KEYS, START, JobEnd, JobStart, Outcome
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus, Stored


class Journal:
    """The facts of one job. Use as `async with`: it listens from entry to exit.

    What is heard on `facts.<job>.*` was stored, so it is taken as the fact itself; what was missed
    (a reconnection, an overrun) is read again from the stream.
    """

    def __init__(self, bus: Bus, job: str) -> None:
        self._bus, self._job = bus, job
        self._facts: dict[str, bytes] = {}
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._listening = AsyncExitStack()

    async def __aenter__(self) -> "Journal":
        async with AsyncExitStack() as listening:
            subscription = await self._bus.connection.subscribe(subjects.fact(self._job, "*"), cb=self._on_message)
            listening.push_async_callback(self._bus.unsubscribe, subscription)
            await listening.enter_async_context(self._bus.rereading(self.read))
            await self.read()
            self._listening = listening.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        for waiter in self._waiting.values():
            waiter.cancel()
        await self._listening.aclose()

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
            # shared by all who wait for the key, so one waiter's cancellation must not be the others'
            await asyncio.shield(self._waiting.setdefault(key, asyncio.get_running_loop().create_future()))

    async def write(self, key: str, fact: JobStart | JobEnd) -> bool:
        """Write a fact, if it is the first under its key; in any case know the fact that is there."""
        payload = fact.model_dump_json().encode()
        first = await self._bus.once(subjects.journal(self._job, key), payload)
        if first:
            self._note(key, payload)
        else:
            await self.read()
        return first

    async def read(self) -> None:
        """Read all facts from the stream."""
        async for stored in self._bus.history(subjects.JOURNAL, subjects.journal(self._job, "*")):
            self._note(stored.subject.rpartition(".")[2], stored.data)

    async def _on_message(self, message: Msg) -> None:
        stored = Stored.of(message)
        self._note(stored.subject.rpartition(".")[2], stored.data)

    def _note(self, key: str, data: bytes) -> None:
        self._facts.setdefault(key, data)
        waiter = self._waiting.pop(key, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
