"""A journal and a log in memory."""

import asyncio
from collections.abc import Iterable, Mapping

from penstock.contracts.events import Event
from penstock.contracts.journal import Outcome


class Facts:
    """A job's journal, of facts in the order in which they were written.

    `first`: what stands under a key as soon as anything is written there, as if it had been written just before.
    """

    def __init__(self, known: Iterable[Outcome], first: Mapping[str, Outcome]) -> None:
        self.all = {fact.key: fact for fact in known}
        self._first = first
        self._written = asyncio.Condition()

    def outcome(self, key: str) -> Outcome | None:
        return self.all.get(key)

    async def wait_for(self, key: str) -> None:
        async with self._written:
            await self._written.wait_for(lambda: key in self.all)

    async def write(self, key: str, fact: Outcome) -> Outcome:
        async with self._written:
            self._written.notify_all()
            return self.all.setdefault(key, self._first.get(key, fact))

    async def read(self) -> None: ...


class Log:
    """A job's events."""

    def __init__(self) -> None:
        self.sent: list[Event] = []

    def send(self, event: Event, *, waited: float | None = None) -> None:
        self.sent.append(event)

    async def flush(self) -> None: ...
