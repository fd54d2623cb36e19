"""Consuming expensive work: the pull loop behind FastStream's subscribers (penstock.hosting.subscriber).

FastStream's own pull subscriber sends no heartbeats, fetches more than it can run and drops what it has fetched at
shutdown (docs/adr/0004). Here a `PullGroup` shares a number of slots between the consumers of one process:

- It requests no more messages than there are free slots: from a single consumer as many as are free, at once.
  Of several, each gets a request that does not wait, in turn and after the answer of the one before; only when all
  are empty does each get a waiting request, for one message. Messages of a burst that fill more of these than there
  are free slots wait in this process, with heartbeats, and are served first.
- A heartbeat (`in_progress`) is sent every third of `ack_wait` for each message, from its receipt to its settlement.
  If the server delivers it again all the same, since it was away itself, the second copy is dropped: what is in
  flight here is not done twice. (Unless another replica had it in between.)
- A process that stood still for longer than `ack_wait` (it was paused, or starved) gives up what it had in flight:
  other replicas have it now, and of two attempts at once callers could be shown one while the other is journaled.
- `stop(grace)`: no more requests; what has not begun goes back at once; what runs has `grace` seconds,
  then it is cancelled and goes back.

So a process never has more in flight than its slots, plus one for each of several consumers.
"""

import asyncio
import logging
from collections import deque
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg

from penstock.cancelling import stop
from penstock.jetstream.source import Handle, Source

log = logging.getLogger(__name__)

#: Seconds to wait after an error of our own.
_PAUSE = 0.25
_MAX_BATCH = 64


class PullGroup:
    """The slots of one process and the sources that fill them."""

    def __init__(self, *, slots: int, ack_wait: float) -> None:
        self._slots, self._ack_wait = slots, ack_wait
        self._sources: list[Source] = []
        self._waiting: deque[tuple[Source, Msg]] = deque()
        self._running: dict[asyncio.Task[Any], Msg] = {}
        self._held: dict[tuple[str, int], Msg] = {}  # all that is in flight, by stream and sequence
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._turn = 0
        self._discarding = False
        self.stopping = False

    @property
    def in_flight(self) -> int:
        """Messages received and not settled."""
        return len(self._held)

    @property
    def free(self) -> int:
        """Slots that nothing runs in or waits for."""
        return max(0, self._slots - self.in_flight)

    async def consume(self, connection: Client, stream: str, durable: str, handle: Handle) -> Source:
        """Give each message of a durable consumer to `handle`, which settles it, until the source is closed."""
        source = Source(connection, stream, durable, handle, received=self._received, changed=self._wake.set)
        await source.open()
        self._sources.append(source)
        if not self._tasks:
            loop = asyncio.get_running_loop()
            self._tasks = [loop.create_task(self._pull()), loop.create_task(self._send_heartbeats())]
        self._wake.set()
        return source

    def reconnected(self) -> None:
        """Requests do not survive a reconnection: make new ones."""
        for source in self._sources:
            source.forget()

    def _received(self, source: Source, message: Msg) -> None:
        if self._discarding:
            return
        held = self._held.get(_identity(message))
        if held is not None and not held.is_acked:
            log.info("delivered again while in flight", extra={"subject": message.subject})
            if message.metadata.num_delivered <= held.metadata.num_delivered + 1:
                # To the server an acknowledgement of either delivery is one of the message. (A server that was
                # killed may have lost count of its latest deliveries.)
                return
            self._drop(held)  # there was a delivery in between: another replica has begun an attempt, and ours is void
        self._held[_identity(message)] = message
        self._waiting.append((source, message))
        self._start_waiting()
        self._wake.set()

    async def stop(self, grace: float) -> None:
        """End the group; see the module's text. Safe to call twice."""
        self.stopping = True
        await stop(*self._tasks[:1])  # heartbeats go on until all is settled
        await asyncio.gather(*(source.aclose() for source in self._sources))
        while self._waiting:
            message = self._waiting.popleft()[1]
            await self._hand_back(message)
            self._let_go(message)
        if self._running:
            log.info("waiting for running work", extra={"running": len(self._running), "grace": grace})
            await asyncio.wait(self._running, timeout=grace)
        left = dict(self._running)
        await stop(*left)
        for message in left.values():
            await self._hand_back(message)
        await stop(*self._tasks)

    async def _pull(self) -> None:
        while not self.stopping:
            self._wake.clear()
            try:
                await self._fill()
                await self._wake.wait()
            except Exception:
                log.exception("pulling failed; it goes on")
                await asyncio.sleep(_PAUSE)

    async def _fill(self) -> None:
        if len(self._sources) == 1:
            (only,) = self._sources
            wanted = min(self.free, _MAX_BATCH) - only.requested
            if wanted > 0 and not only.backing_off:
                await only.request(wanted, wait=True)
            return
        # those with a waiting request are known to be empty: a message that comes there comes by itself
        for _ in range(len(self._sources)):
            source = self._sources[self._turn % len(self._sources)]
            if self.free == 0 or self.stopping:
                return
            self._turn += 1
            if not source.requested and not source.backing_off:
                await source.request(min(self.free, _MAX_BATCH), wait=False)
                await source.answered.wait()
        if self.free:
            for source in self._sources:
                if not source.requested and not source.backing_off:
                    await source.request(1, wait=True)

    def _start_waiting(self) -> None:
        while self._waiting and len(self._running) < self._slots and not self.stopping:
            source, message = self._waiting.popleft()
            task = asyncio.get_running_loop().create_task(source.handle(message))
            self._running[task] = message
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._let_go(self._running.pop(task))
        if not task.cancelled() and task.exception() is not None:
            log.error("a handler raised", exc_info=task.exception())
        self._start_waiting()
        self._wake.set()

    async def _send_heartbeats(self) -> None:
        clock = asyncio.get_running_loop()
        while True:
            slept_at = clock.time()
            await asyncio.sleep(self._ack_wait / 3)
            if clock.time() - slept_at > self._ack_wait:
                await self._give_up_all()
            for message in list(self._held.values()):
                if not message.is_acked:
                    try:
                        await message.in_progress()
                    except Exception as error:
                        log.warning("could not send a heartbeat", extra={"error": repr(error)})
                        break

    async def _give_up_all(self) -> None:
        """Drop what was given to other replicas while this process stood still, and what of it arrives only now."""
        log.warning("stood still longer than ack_wait; gave up what was in flight", extra={"messages": self.in_flight})
        self._waiting.clear()
        self._held.clear()
        for task in self._running:
            task.cancel()
        self._discarding = True
        await self._sources[0].caught_up()
        self._discarding = False

    def _drop(self, message: Msg) -> None:
        self._waiting = deque(pair for pair in self._waiting if pair[1] is not message)
        for task, running in self._running.items():
            if running is message:
                task.cancel()

    def _let_go(self, message: Msg) -> None:
        if self._held.get(_identity(message)) is message:
            del self._held[_identity(message)]

    async def _hand_back(self, message: Msg) -> None:
        if message.is_acked:
            return
        try:
            await message.nak()
        except Exception as error:
            log.warning("could not hand a message back", extra={"subject": message.subject, "error": repr(error)})


def _identity(message: Msg) -> tuple[str, int]:
    return message.metadata.stream, message.metadata.sequence.stream
