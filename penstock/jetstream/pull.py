"""Consuming expensive work: the pull loop behind FastStream's subscribers (penstock.hosting.subscriber).

FastStream's own pull subscriber sends no heartbeats, fetches more than it can run and drops what it has fetched at
shutdown (docs/adr/0004). Here a `PullGroup` shares a number of slots between the consumers of one process:

- Each message says how many more its consumer has. Where it is none, and slots are free, the consumer gets a waiting
  request for one message. Of those that have more, one after the other gets a request that does not wait, for no more
  than there are free slots. Messages of a burst that fill more of the waiting requests than there are free slots wait
  in this process, with heartbeats, and are served first.
- Consumers take turns by their weights: of those with weight 4 that have messages four are begun, one consumer after
  the other, for one of those with weight 1. A turn that nobody uses goes to the next, and is not made up for later.
- While a consumer has more that waits for slots, those that are not known to have any have a waiting request all the
  same, for one message: what comes there has its turn soon, and does not wait until the others have nothing left.
- A consumer with `aside` is asked whether slots are free or not. What cannot begin at once, since they are not or
  others wait for them, is given to `aside` instead, beside the slots.
- A heartbeat (`in_progress`) is sent every third of `ack_wait` for each message, from its receipt to its settlement.
  If the server delivers it again all the same, since it was away itself, the second copy is dropped: what is in
  flight here is not done twice. (Unless another replica had it in between.)
- A process that stood still for longer than `ack_wait` (it was paused, or starved) gives up what it had in flight:
  other replicas have it now, and of two attempts at once callers could be shown one while the other is journaled.
- `stop(grace)`: no more requests; what has not begun goes back at once; what runs has `grace` seconds,
  then it is cancelled and goes back.

A handler that only waits says so (`lending`): its slot is another message's meanwhile. It goes on when it need not wait
any more, even though all slots may be taken by then. At most as many are lent as there are.

So a process never has more in flight than twice its slots, plus one for each consumer beside the first.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg

from penstock.cancelling import stop
from penstock.jetstream.source import Handle, Source
from penstock.jetstream.weights import ByWeight

log = logging.getLogger(__name__)

#: Seconds to wait after an error of our own.
_PAUSE = 0.25
_MAX_BATCH = 64
#: The group whose handler runs here, and the handler's message.
_HANDLING: ContextVar["tuple[PullGroup, Msg] | None"] = ContextVar("penstock_handling", default=None)


@contextmanager
def lending(*, begun: bool) -> Iterator[bool]:
    """Within it, the handler that enters it only waits. Gives whether its slot is lent: not where too many are.

    What has not `begun` anything is handed back at once when the group stops.
    """
    group, message = _HANDLING.get() or (None, None)
    if group is None or message is None or not group.may_lend:
        yield False
        return
    group.lend(message, 1, begun=begun)
    try:
        yield True
    finally:
        group.lend(message, -1, begun=begun)


class PullGroup:
    """The slots of one process and the sources that fill them."""

    def __init__(self, *, slots: int, ack_wait: float) -> None:
        self._slots, self._ack_wait = slots, ack_wait
        self._sources: list[Source] = []
        self._besides: list[Source] = []  # those with `aside`
        self._waiting: list[tuple[Source, Msg]] = []
        self._running: dict[asyncio.Task[Any], Msg] = {}
        self._aside: dict[asyncio.Task[Any], Msg] = {}
        self._held: dict[tuple[str, int], Msg] = {}  # all that is in flight, by stream and sequence
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        # of the sources without a request on its way: those that are known to have messages, and the others
        self._backlogged: set[Source] = set()
        self._quiet: set[Source] = set()
        self._turns = ByWeight()
        self._lent = 0
        self._not_begun: set[tuple[str, int]] = set()
        self._discarding = False
        self.stopping = False

    @property
    def in_flight(self) -> int:
        """Messages received and not settled."""
        return len(self._held)

    @property
    def free(self) -> int:
        """Slots that nothing runs in or waits for."""
        return max(0, self._slots + self._lent + len(self._aside) - self.in_flight)

    @property
    def may_lend(self) -> bool:
        """Whether there is a slot left that may be lent, and the group is not about to end."""
        return self._lent < self._slots and not self.stopping

    def lend(self, message: Msg, slots: int, *, begun: bool) -> None:
        """The handler of this message only waits; -1: it goes on (`lending`)."""
        self._lent += slots
        if not begun:
            self._not_begun ^= {_identity(message)}
        self._start_waiting()
        self._wake.set()

    async def consume(
        self,
        connection: Client,
        stream: str,
        durable: str,
        handle: Handle,
        *,
        weight: int = 1,
        aside: Handle | None = None,
    ) -> Source:
        """Give each message of a durable consumer to `handle`, which settles it, until the source is closed.

        Or to `aside`, which settles it as well; see the module's text, also for `weight`.
        """
        source = Source(
            connection,
            stream,
            durable,
            handle,
            received=self._received,
            changed=self._changed,
            weight=weight,
            aside=aside,
        )
        await source.open()
        self._sources.append(source)
        if aside is not None:
            self._besides.append(source)
        self._changed(source)
        if not self._tasks:
            loop = asyncio.get_running_loop()
            self._tasks = [loop.create_task(self._pull()), loop.create_task(self._send_heartbeats())]
        self._wake.set()
        return source

    def reconnected(self) -> None:
        """Requests do not survive a reconnection: make new ones."""
        for source in self._sources:
            source.forget()

    def _changed(self, source: Source) -> None:
        for group, belongs in ((self._backlogged, source.pending > 0), (self._quiet, source.pending == 0)):
            if belongs and source.may_request and source.aside is None:
                group.add(source)
            else:
                group.discard(source)
        self._wake.set()

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
        at_once = self.free > 0 and not self._backlogged
        self._held[_identity(message)] = message
        if source.aside is None or at_once:
            self._waiting.append((source, message))
            self._start_waiting()
        else:
            self._start(source.aside, message, self._aside)
        self._wake.set()

    async def stop(self, grace: float) -> None:
        """End the group; see the module's text. Safe to call twice."""
        self.stopping = True
        await stop(*self._tasks[:1])  # heartbeats go on until all is settled
        await asyncio.gather(*(source.aclose() for source in self._sources))
        while self._waiting:
            message = self._waiting.pop(0)[1]
            await self._hand_back(message)
            self._let_go(message)
        await self._end({task: one for task, one in self._running.items() if _identity(one) in self._not_begun})
        if running := {**self._running, **self._aside}:
            log.info("waiting for running work", extra={"running": len(running), "grace": grace})
            await asyncio.wait(running, timeout=grace)
        await self._end({**self._running, **self._aside})
        await stop(*self._tasks)

    async def _end(self, running: dict[asyncio.Task[Any], Msg]) -> None:
        await stop(*running)
        for message in running.values():
            await self._hand_back(message)

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
        for source in self._besides:
            if source.may_request and len(self._aside) < _MAX_BATCH:
                await source.request(_MAX_BATCH - len(self._aside), wait=True)
        while self._backlogged and self.free and not self.stopping:
            source = min(self._backlogged, key=self._turns.place)
            share = self.free * source.weight // sum(one.weight for one in self._backlogged)
            await source.request(min(max(1, share), _MAX_BATCH), wait=False)
            await source.answered.wait()
        if self.free or self._backlogged:
            # not those of which one is here already: what is urgent may come one by one, faster than it is begun
            for source in self._quiet - {source for source, _ in self._waiting}:
                self._quiet.discard(source)
                await source.request(1, wait=True)

    def _start_waiting(self) -> None:
        while self._waiting and len(self._running) < self._slots + self._lent and not self.stopping:
            source, message = next_one = min(self._waiting, key=lambda one: self._turns.place(one[0]))
            self._waiting.remove(next_one)
            self._turns.took(source)
            self._start(source.handle, message, self._running)

    def _start(self, handle: Handle, message: Msg, tasks: dict[asyncio.Task[Any], Msg]) -> None:
        context = copy_context()
        context.run(_HANDLING.set, (self, message))
        task = asyncio.get_running_loop().create_task(handle(message), context=context)
        tasks[task] = message
        task.add_done_callback(partial(self._done, tasks))

    def _done(self, tasks: dict[asyncio.Task[Any], Msg], task: asyncio.Task[Any]) -> None:
        self._let_go(tasks.pop(task))
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
        for task in (*self._running, *self._aside):
            task.cancel()
        self._discarding = True
        await self._sources[0].caught_up()
        self._discarding = False

    def _drop(self, message: Msg) -> None:
        self._waiting = [pair for pair in self._waiting if pair[1] is not message]
        for task, running in {**self._running, **self._aside}.items():
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
