"""Publishing a job's events: pipelined, in order, and all stored before the step is reported as done."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from itertools import islice, takewhile

from pydantic import ValidationError

from penstock.cancelling import stop
from penstock.contracts.events import EVENT, Event, RunEvent
from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus

#: Events on their way at once. While a batch is being acknowledged, what is new waits for the next.
_IN_FLIGHT = 64
#: Of an event with text: when its first piece came from the model, in NATS's time (Unix seconds).
RECEIVED_HEADER = "Penstock-Received"


async def stored_events(bus: Bus, job: JobName) -> AsyncIterator[Event]:
    """A job's events so far, but for those of a newer replica that are not understood here. May have one twice."""
    async for stored in bus.history(subjects.EVENTS, subjects.events(job)):
        try:
            event = EVENT.validate_json(stored.data)
        except ValidationError:
            continue
        yield event


class EventLog:
    """Appends to `events.<tenant>.<job>`.

    `send` never blocks: it queues. A task publishes up to 64 at once without waiting for each answer. Where an answer
    does not come, all from that message on are sent again, in order ("go back N"): a reader accepts each number once
    and in order (see penstock.contracts.events), so it sees none twice and none too early. Events of the run have no
    number: each is sent alone.

    What waits is bounded by who writes: a step's reply has an end (penstock.document.writing.MAX_LENGTH).
    """

    def __init__(self, bus: Bus, job: JobName) -> None:
        self._bus, self._subject = bus, subjects.events(job)
        #: Whether it is of the run, its body, its headers.
        self._queue: deque[tuple[bool, bytes, dict[str, str] | None]] = deque()
        self._sender: asyncio.Task[None] | None = None

    def send(self, event: Event, *, waited: float | None = None) -> None:
        """`waited`: seconds that the first piece of a model's text in it has been here."""
        received = None if waited is None else {RECEIVED_HEADER: f"{self._bus.time.now() - waited:.3f}"}
        self._queue.append((isinstance(event, RunEvent), event.model_dump_json().encode(), received))
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
            await self._bus.retrying(f"publish to {self._subject}", self._send_batch)

    async def _send_batch(self) -> None:
        numbered = takewhile(lambda queued: not queued[0], self._queue)
        batch = list(islice(numbered, _IN_FLIGHT)) or [self._queue[0]]
        if len(batch) == 1:  # needs no task of its own
            await self._bus.publish(self._subject, batch[0][1], headers=batch[0][2])
            self._queue.popleft()
            return
        results = await asyncio.gather(
            *(self._bus.publish(self._subject, payload, headers=headers) for _, payload, headers in batch),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
            self._queue.popleft()
