"""Consuming expensive work: the pull loop behind FastStream's subscribers (penstock.hosting.subscriber).

FastStream's own pull subscriber keeps nothing alive, fetches beyond what it can run and drops what it
holds at shutdown (docs/adr/0004). Here a `PullGroup` shares a number of slots between the consumers
of one process:

- It asks for no more messages than there are free slots. A single consumer is asked for all free slots
  at once. Several are asked in turn, without waiting, so that each answer is known before the next is
  asked; only when all are empty does each get a waiting request for one message. Those that a burst
  satisfies beyond the free slots wait here, alive, and are served first.
- From the moment a message is here until it is settled, `in_progress` is sent every third of `ack_wait`.
  If the server gives it out again all the same (it was away, and took the silence for a death), the second
  copy is dropped: what is in flight here is not done twice. (Unless another replica had it in between.)
- A process that stood still for longer than `ack_wait` (it was paused, or starved) gives up what it had in flight:
  others have it now, and two attempts at once would show callers one text and journal another.
- `stop(grace)`: no more requests; what has not begun goes back at once; what runs has `grace` seconds,
  then it is cancelled and goes back.

So a process never has more in flight than its slots, plus one for each of several consumers.
"""

import asyncio
import logging
import time
from collections import deque
from typing import Any

from nats.aio.msg import Msg

from penstock.cancelling import stop
from penstock.jetstream.source import LOST, Source

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
        self._loop_task: asyncio.Task[None] | None = None
        self._ticker: asyncio.Task[None] | None = None
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

    def add(self, source: Source) -> None:
        self._sources.append(source)
        if self._loop_task is None:
            loop = asyncio.get_running_loop()
            self._loop_task = loop.create_task(self._pull())
            self._ticker = loop.create_task(self._keep_alive())
        self.changed()

    def changed(self) -> None:
        self._wake.set()

    def lost_connection(self) -> None:
        """Requests do not survive a reconnection: ask again."""
        for source in self._sources:
            source.forget()
        self.changed()

    def received(self, source: Source, message: Msg) -> None:
        if self._discarding:
            return
        held = self._held.get(_identity(message))
        if held is not None and not held.is_acked:
            log.info("given what is in flight already", extra={"subject": message.subject})
            if message.metadata.num_delivered <= held.metadata.num_delivered + 1:
                # To the server an acknowledgement of either delivery is one of the message. (A server that was
                # killed may have lost count of its latest deliveries.)
                return
            self._drop(held)  # there was a delivery in between: another replica has begun an attempt, and ours is void
        self._held[_identity(message)] = message
        self._waiting.append((source, message))
        self._start_waiting()
        self.changed()

    async def stop(self, grace: float) -> None:
        """End the group; see the module's text. Safe to call twice."""
        self.stopping = True
        if self._loop_task is not None:
            await stop(self._loop_task)
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
        if self._ticker is not None:
            await stop(self._ticker)

    async def _pull(self) -> None:
        while not self.stopping:
            self._wake.clear()
            try:
                await self._fill()
            except Exception:
                log.exception("pulling failed; it goes on")
                await asyncio.sleep(_PAUSE)
                continue
            try:
                async with asyncio.timeout(LOST):
                    await self._wake.wait()
            except TimeoutError:
                for source in self._sources:
                    if source.asked and time.monotonic() - source.asked_at > LOST:
                        source.forget()

    async def _fill(self) -> None:
        if len(self._sources) == 1:
            (only,) = self._sources
            wanted = min(self.free, _MAX_BATCH) - only.asked
            if wanted > 0 and not only.backing_off:
                await only.ask(wanted, wait=True)
            return
        # those with a waiting request are known to be empty: a message that comes there comes by itself
        for _ in range(len(self._sources)):
            source = self._sources[self._turn % len(self._sources)]
            if self.free == 0 or self.stopping:
                return
            self._turn += 1
            if not source.asked and not source.backing_off:
                await source.ask(min(self.free, _MAX_BATCH), wait=False)
                await source.answered()
        if self.free:
            for source in self._sources:
                if not source.asked and not source.backing_off:
                    await source.ask(1, wait=True)

    def _start_waiting(self) -> None:
        while self._waiting and len(self._running) < self._slots and not self.stopping:
            source, message = self._waiting.popleft()
            task = asyncio.get_running_loop().create_task(source.consume(message))
            self._running[task] = message
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._let_go(self._running.pop(task))
        if not task.cancelled() and task.exception() is not None:
            log.error("a handler raised", exc_info=task.exception())
        self._start_waiting()
        self.changed()

    async def _keep_alive(self) -> None:
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
        """This process stood still for so long that its work was given to others: theirs counts, not ours.

        That goes also for what was sent to it meanwhile and is only now received.
        """
        log.warning(
            "stood still longer than ack_wait; what was in flight is given up", extra={"in_flight": self.in_flight}
        )
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
