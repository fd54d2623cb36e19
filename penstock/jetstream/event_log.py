"""Publishing a job's events: in order, and all stored before the step is reported as done."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from pydantic import ValidationError

from penstock.cancelling import stop
from penstock.contracts.events import EVENT, PLACES, Event, texts_of
from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus

#: Bytes of events that go together.
_TOGETHER = 128 * 1024
#: Of events with text: when the first piece of it came from the model, in NATS's time (Unix seconds).
RECEIVED_HEADER = "Penstock-Received"


async def stored_events(bus: Bus, job: JobName) -> AsyncIterator[Event]:
    """A job's events so far, but for those of a newer replica that are not understood here. May have one twice."""
    async for stored in bus.history(subjects.events(job)):
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
        #: Events, and where there is text: when its first piece came.
        self._queue: deque[tuple[bytes, float | None]] = deque()
        self._sender: asyncio.Task[None] | None = None

    def send(self, event: Event, *, waited: float | None = None) -> None:
        """`waited`: seconds that the first piece of a model's text in it has been here."""
        received = None if waited is None else self._bus.time.now() - waited
        self._queue.append((event.model_dump_json().encode(), received))
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
        size = 0
        batch: list[bytes] = []
        received: float | None = None
        for text, since in self._queue:
            size += len(text) + 1
            if len(batch) == PLACES or (batch and size > _TOGETHER):
                break
            batch.append(text)
            received = since if received is None else received
        headers = None if received is None else {RECEIVED_HEADER: f"{received:.3f}"}
        await self._bus.publish(self._subject, b"\n".join(batch), headers=headers)
        for _ in batch:
            self._queue.popleft()
