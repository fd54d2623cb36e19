"""Following a job's events: from the first, in order, each once, live.

There is no consumer per reader: 5,000 of them cost the server 200 MB and slow publishing to a tenth. It is a core
subscription to what EVENTS republishes, and batch direct gets for what came before it and what it missed. A reader
that is too slow for the buffers loses nothing: it reads the rest from the stream, in its own time.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

from nats.aio.msg import Msg
from pydantic import ValidationError

from penstock.contracts import events
from penstock.contracts.job import Snapshot
from penstock.contracts.journal import Outcome
from penstock.contracts.wire import JobName
from penstock.document import Reader, shown_anew
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.event_log import RECEIVED_HEADER
from penstock.jetstream.stored import Stored
from penstock.jobs.ending import publish_end
from penstock.jobs.lookup import read, snapshot

log = logging.getLogger(__name__)

#: At most this many events, and about this many bytes, are yielded at once.
_BATCH, _BATCH_BYTES = 64, 64 * 1024
#: Bytes that a buffered event takes beside its data.
_ENTRY = 200


@dataclass(frozen=True, slots=True)
class DeliveredEvent:
    """One accepted event. `place` is its place in EVENTS (`events.PLACES`); `seq` counts those of the job from 1.

    A reader resumes after `cursor`. That is `place`; but a correction inserted before a step's end has cursor
    `place` - 1, so a reader cut off there gets it again. A snapshot has the place of its event, and cursor 0.
    """

    event: events.Event | Snapshot
    place: int
    cursor: int
    seq: int
    data: bytes


class Buffers:
    """The events that wait for several readers. If they have more than `limit` bytes, the fullest buffer is emptied.

    Each time that is so, `emptied` is called.
    """

    def __init__(self, limit: int = 8 << 20, emptied: Callable[[], None] = lambda: None) -> None:
        self._limit, self._total, self._emptied = limit, 0, emptied
        self._sizes = Counter["Follower"]()

    def grow(self, follower: "Follower", size: int) -> None:
        self._sizes[follower] += size
        self._total += size
        while self._total > self._limit:
            max(self._sizes, key=self._sizes.__getitem__).read_again()
            self._emptied()

    def forget(self, follower: "Follower") -> None:
        self._total -= self._sizes.pop(follower, 0)


class Follower:
    """Iterate to follow, batch by batch, to the job's end. Use as `async with`: it is subscribed from entry to exit.

    `buffers`: shared with other readers. `ended`: told when the job's end was read. `publish_missing_end`: where the
    journal has the job's end and EVENTS does not, publish it, once all history is read; for a job that was submitted
    earlier. After each `silence` seconds without an event the stream is read again, and this is done in any case.

    Where retention has dropped the job's first events, or all of a job that was submitted earlier, a snapshot comes
    first, and another one after the end of each step whose first events are dropped.
    """

    def __init__(
        self,
        bus: Bus,
        job: JobName,
        *,
        buffers: Buffers | None = None,
        silence: float = 15.0,
        publish_missing_end: bool = False,
        ended: Callable[[JobName], None] = lambda _: None,
    ) -> None:
        self._bus, self._job, self._silence = bus, job, silence
        self._buffers = buffers or Buffers()
        #: The event before in the stream, its own place, its data, when its text came from the model.
        self._buffer: deque[tuple[int, int, bytes, str | None]] = deque()
        #: When the first text came from the model (NATS's time) that was yielded as it came; to be set to None.
        self.received: float | None = None
        self._missed = True  # all history so far
        self._publish_missing_end, self._ended = publish_missing_end, ended
        self._wake = asyncio.Event()
        self._reader = Reader()
        self._last = 0
        #: Retention has dropped the beginning: the first event there is, is not the job's first.
        self.truncated = False
        #: Where that is so: the steps whose first event was there or that a snapshot had. Their end brings no snapshot.
        self._known: set[str] = set()
        #: All that was there at the entry has been yielded.
        self.caught_up = False

    async def __aenter__(self) -> "Follower":
        self._subscription = await self._bus.subscribe(subjects.live(self._job), self._hear)
        # No flush: what is sent on one connection is handled in order, so the server knows of the subscription before
        # it is asked for history. A flush that is cancelled would end the connection's read loop (docs/nats-py.md).
        self._forget = self._bus.on_reconnect(self.read_again)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._forget()
        self._buffers.forget(self)
        await self._bus.unsubscribe(self._subscription)
        del self._forget, self._subscription  # cycles, which only a collection would free

    async def __aiter__(self) -> AsyncGenerator[list[DeliveredEvent], None]:
        """Accepted events, those that are ready together; an empty list after each `silence` seconds without one."""
        while True:
            while self._missed:
                self._missed = False
                stored = self._bus.history(subjects.events(self._job), after=self._last)
                async for batch in self._accepted(stored):
                    yield batch
                self.caught_up = True
                if not self._reader.ended and self._publish_missing_end:
                    self._publish_missing_end = False
                    self._missed = await publish_end(self._bus, self._job)
                    if not (self._missed or self._reader.seq or self.truncated) and await self._has_begun():
                        self.truncated = True
                        yield [await self._snapshot(0)]
            async for batch in self._accepted(self._received()):
                yield batch
            if self._reader.ended:
                return
            if self._buffer or self._missed:
                continue
            self._wake.clear()
            try:
                async with asyncio.timeout(self._silence):
                    await self._wake.wait()
            except TimeoutError:
                self._missed = self._publish_missing_end = True
                yield []

    async def _received(self) -> AsyncIterator[Stored]:
        """What the subscription has received and this reader has not, as far as nothing is missing in between."""
        while self._buffer:
            before, sequence, data, received = self._buffer.popleft()
            self._buffers.grow(self, -len(data) - _ENTRY)
            if sequence > self._last:
                if before > self._last:
                    self.read_again()
                    return
                if received and self.received is None:
                    self.received = float(received)
                yield Stored(subjects.events(self._job), sequence, data, time="", headers={})

    async def _accepted(self, messages: AsyncIterator[Stored]) -> AsyncIterator[list[DeliveredEvent]]:
        """The events among `messages`, up to _BATCH and about _BATCH_BYTES of them together, up to the job's end."""
        batch: list[DeliveredEvent] = []
        size = 0
        async for stored in messages:
            self._last = max(self._last, stored.sequence)
            for place, data in enumerate(events.texts_of(stored.data), stored.sequence * events.PLACES):
                for delivered in await self._accept(place, data):
                    batch.append(delivered)
                    size += len(delivered.data)
            if self._reader.ended:
                self._ended(self._job)
                break
            if len(batch) >= _BATCH or size > _BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    async def _accept(self, place: int, text: bytes) -> list[DeliveredEvent]:
        """The event, unless it is a repetition; before it, what makes the reader's text that of a step's outcome."""
        try:
            event = events.EVENT.validate_json(text)
        except ValidationError:
            # of a newer replica, say: not delivered, but counted, or no later event of its step would be accepted
            log.warning("an event was not understood", extra={**self._job.about, "place": place})
            with suppress(ValidationError):
                position = events.StepEvent.model_validate_json(text)
                self._reader.accept(position)  # type: ignore[arg-type]  # it reads the position only
            return []
        accepted = []
        if isinstance(event, events.StepEnded) and self._reader.seq and not self._reader.shows(event):
            for made in await self._corrections(event.key):
                self._reader.accept(made)
                data = made.model_dump_json().encode()
                accepted.append(DeliveredEvent(made, place, place - 1, self._reader.seq, data))
        if self._reader.accept(event):
            if self._reader.seq == 1:
                # the one event that may come before job.accepted ends a job that no aggregator had begun to run
                self.truncated = not isinstance(event, events.JobAccepted | events.JobCancelled)
                if self.truncated:
                    accepted.append(await self._snapshot(place))
            accepted.append(DeliveredEvent(event, place, place, self._reader.seq, text))
            if isinstance(event, events.StepStarted):
                self._known.add(event.k)
            elif self.truncated and isinstance(event, events.StepCompleted) and event.key not in self._known:
                accepted.append(await self._snapshot(place))
        return accepted

    async def _has_begun(self) -> bool:
        """So long ago that there would be events."""
        start = (await read(self._bus, self._job)).start
        return start is not None and self.now() - start.accepted_at > self._silence

    async def _snapshot(self, place: int) -> DeliveredEvent:
        state = await snapshot(self._bus, self._job)
        self._known.update(state.steps)
        return DeliveredEvent(state, place, 0, self._reader.seq, state.model_dump_json().encode())

    async def _corrections(self, key: str) -> list[events.Event]:
        """Events that void what was shown of a step, and show what its outcome has.

        Two attempts ran at once, and the one that was not shown has won; or NATS has lost events that it had stored.
        """
        position = self._reader.position(key)
        fact = await self._bus.last_from_leader(subjects.journal(self._job, key))
        if fact is None or (position is None and self.truncated):  # a snapshot takes its place
            return []
        outcome = Outcome.model_validate_json(fact.data)
        if (place := outcome.place) is None:
            return []
        log.warning("readers are shown a step's outcome anew", extra={**self._job.about, "key": key})
        made: list[events.Event] = [events.PartReset(p=place.rstrip("/"), **position)] if position else []
        return made + shown_anew(outcome)

    def _hear(self, message: Msg) -> None:
        if not self._missed:
            stored = Stored.of(message)
            before = int(stored.headers.get("Nats-Last-Sequence", "0"))
            self._buffer.append((before, stored.sequence, stored.data, stored.headers.get(RECEIVED_HEADER)))
            self._buffers.grow(self, len(stored.data) + _ENTRY)
        self._wake.set()

    def now(self) -> float:
        """NATS's time."""
        return self._bus.time.now()

    def read_again(self) -> None:
        """Read the rest from the stream; what is buffered is there as well."""
        self._missed = True
        self._buffer.clear()
        self._buffers.forget(self)
        self._wake.set()


async def end_is_published(bus: Bus, job: JobName, by: int) -> bool:
    """Whether the event of the job's end has been published at a place up to `by`."""
    async for stored in bus.history(subjects.events(job)):
        for place, text in enumerate(events.texts_of(stored.data), stored.sequence * events.PLACES):
            with suppress(ValidationError):
                if isinstance(events.EVENT.validate_json(text), events.TERMINAL):
                    return place <= by
    return False
