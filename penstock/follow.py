"""Following a job's events: from the first, in order, each once, live.

No consumer per reader: a core subscription on what EVENTS republishes, and batch direct gets for what
was before and what was missed (DESIGN section 9 has the figures). A reader that is too slow for its
buffer loses nothing: what it could not take is read from the stream when it comes to it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from nats.aio.msg import Msg

from penstock import subjects
from penstock.bus import Bus, Stored
from penstock.contracts.events import EVENT, TERMINAL, Event
from penstock.document import Reader

#: Seconds of silence after which a follower looks whether it has missed something.
_LOOK = 15.0


@dataclass(frozen=True, slots=True)
class Told:
    """One accepted event. `sequence` is its place in EVENTS, `seq` counts the job's accepted events from 1."""

    event: Event
    sequence: int
    seq: int
    data: bytes


class Follower:
    """Iterate to follow; it ends after the job's end. Use as `async with`: it listens from entry to exit.

    `buffer`: bytes of events that may wait for this reader.
    """

    def __init__(self, bus: Bus, job: str, *, buffer: int = 8 * 1024 * 1024, silence: float = _LOOK) -> None:
        self._bus, self._job, self._limit, self._silence = bus, job, buffer, silence
        self._buffer: deque[Stored] = deque()
        self._buffered = 0
        self._missed = True  # all history so far
        self._wake = asyncio.Event()
        self._reader = Reader()
        self._last = 0

    async def __aenter__(self) -> "Follower":
        self._subscription = await self._bus.connection.subscribe(subjects.live(self._job), cb=self._heard)
        # the server must know of the subscription before history is read, or what comes in between is lost
        await self._bus.connection.flush()
        self._forget = self._bus.on_reconnect(self._look)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._forget()
        if not self._bus.connection.is_closed:
            await self._subscription.unsubscribe()

    async def __aiter__(self) -> AsyncIterator[Told | None]:
        """Accepted events; None after each `silence` seconds without one."""
        while True:
            if self._missed:
                self._missed = False
                async for stored in self._bus.history(subjects.EVENTS, subjects.events(self._job), after=self._last):
                    if told := self._accept(stored):
                        yield told
                        if isinstance(told.event, TERMINAL):
                            return
            while self._buffer and not self._missed:
                stored = self._buffer.popleft()
                self._buffered -= len(stored.data)
                if stored.sequence <= self._last:
                    continue
                if int(stored.headers.get("Nats-Last-Sequence", "0")) > self._last:
                    self._missed = True
                    break
                if told := self._accept(stored):
                    yield told
                    if isinstance(told.event, TERMINAL):
                        return
            if self._missed:
                continue
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), self._silence)
            except TimeoutError:
                self._missed = True
                yield None

    def _accept(self, stored: Stored) -> Told | None:
        self._last = max(self._last, stored.sequence)
        event = EVENT.validate_json(stored.data)
        if not self._reader.accept(event):
            return None
        return Told(event, stored.sequence, self._reader.seq, stored.data)

    async def _heard(self, message: Msg) -> None:
        if self._buffered + len(message.data) > self._limit:
            self._missed = True
            self._buffer.clear()
            self._buffered = 0
        else:
            stored = Stored.of(message)
            self._buffer.append(stored)
            self._buffered += len(stored.data)
        self._wake.set()

    def _look(self) -> None:
        self._missed = True
        self._wake.set()
