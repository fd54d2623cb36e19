"""Publishing a job's events: in order, and all stored before the step is reported as done."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from itertools import islice

from pydantic import ValidationError

from penstock.cancelling import stop
from penstock.contracts.events import EVENT, PLACES, Event, texts_of
from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus

#: Bytes of events that go together.
_TOGETHER = 128 * 1024


async def stored_events(bus: Bus, job: JobName) -> AsyncIterator[Event]:
    """A job's events so far, but for those of a newer replica that are not understood here. May have one twice."""
    async for stored in bus.history(subjects.EVENTS, subjects.events(job)):
        for text in texts_of(stored.data):
            try:
                event = EVENT.validate_json(text)
            except ValidationError:
                continue
            yield event


class EventLog:
    """Appends to `events.<tenant>.<job>`.

    `send` never blocks: it queues. A task publishes one message after the other, each with what has been queued while
    the one before was stored: the first event goes at once, and the slower NATS and this process are, the more go
    together. Where an answer does not come, the same events are sent again, with those that came since: a reader
    accepts each once and in order (see penstock.contracts.events), so it sees none twice and none too early.

    What waits is bounded by who writes: a step's reply has an end (penstock.document.writing.MAX_LENGTH).
    """

    def __init__(self, bus: Bus, job: JobName) -> None:
        self._bus, self._subject = bus, subjects.events(job)
        self._queue: deque[bytes] = deque()
        self._sender: asyncio.Task[None] | None = None

    def send(self, event: Event) -> None:
        self._queue.append(event.model_dump_json().encode())
        self._start()

    async def flush(self) -> None:
        """Return once everything sent so far is stored.

        Raises BusUnavailable when NATS stays away longer than the bus's timeout, or what NATS refuses a message with.
        Nothing is lost then: a further `flush` goes on with what is not stored.
        """
        self._start()
        if self._sender is not None:
            await asyncio.shield(self._sender)

    async def aclose(self) -> None:
        """Give up what is not stored yet."""
        if self._sender is not None:
            await stop(self._sender)

    def _start(self) -> None:
        if self._sender is not None and self._sender.done():
            self._sender.exception()  # seen: its messages are still in the queue
            self._sender = None
        if self._queue and self._sender is None:
            self._sender = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._queue:
            await self._bus.retrying(f"publish to {self._subject}", self._send_some)

    async def _send_some(self) -> None:
        count = size = 0
        for text in self._queue:
            size += len(text) + 1
            if count == PLACES or (count and size > _TOGETHER):
                break
            count += 1
        await self._bus.publish(self._subject, b"\n".join(islice(self._queue, count)))
        for _ in range(count):
            self._queue.popleft()
