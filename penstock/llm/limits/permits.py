"""Calls of one model at once.

A permit is a message that a durable consumer lends: it is never acked. Whoever gives it back naks it, and the server
gives it to the one that has waited longest. A heartbeat keeps it; without one for `ack_wait` it is lent again.
"""

import asyncio
import logging
from collections import deque
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial

from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, Header
from nats.js.errors import APIError, NotFoundError

from penstock.cancelling import stop
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.source import Source
from penstock.jetstream.storage import is_outdated

log = logging.getLogger(__name__)

#: Permits requested at once.
_BATCH = 64
#: Seconds to wait after an error of our own.
_PAUSE = 0.25


@dataclass(eq=False, slots=True)
class Permit:
    """`renewed`: when it was received, or kept, by the loop's clock."""

    message: Msg
    renewed: float


class Permits:
    """The `count` permits of a model, as one process borrows them. The count that was opened last holds for all."""

    def __init__(self, bus: Bus, model: str, count: int, *, ack_wait: float) -> None:
        self._bus, self._model, self._count, self._ack_wait = bus, model, count, ack_wait
        self._waiting: deque[asyncio.Future[Permit]] = deque()
        #: Those that are lent to this process.
        self._held: set[Permit] = set()
        self._wake = asyncio.Event()
        self._stack = AsyncExitStack()

    @property
    def lent(self) -> int:
        """Permits that this process has."""
        return len(self._held)

    async def open(self) -> None:
        """Have as many permits as the count says, no more and no fewer, and be lent some."""
        name = subjects.model_permits_consumer(self._model)
        if not await _is_declared(self._bus, self._model, self._count, self._ack_wait):
            await declare(self._bus, self._model, self._count, self._ack_wait)
        source = Source(
            self._bus.connection,
            subjects.MODELS,
            name,
            _nothing,
            received=self._received,
            changed=lambda _: self._wake.set(),
        )
        await source.open()
        self._stack.push_async_callback(source.aclose)
        self._stack.callback(self._bus.on_reconnect(source.forget))
        loop = asyncio.get_running_loop()
        self._stack.push_async_callback(
            stop, loop.create_task(self._request(source)), loop.create_task(self._send_heartbeats())
        )

    async def aclose(self) -> None:
        await self._stack.aclose()

    async def take(self) -> Permit:
        """A permit, to be given back. In this process the first to ask is the first to have one."""
        turn: asyncio.Future[Permit] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._wake.set()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                await self.give_back(turn.result())
            raise

    async def give_back(self, permit: Permit) -> None:
        """Where NATS is away it is lent again after ack_wait: a nak that was kept till later might be another's."""
        self._held.discard(permit)
        if self._is_ours(permit) and self._bus.connection.is_connected:
            with suppress(Exception):
                await permit.message.nak()

    def _is_ours(self, permit: Permit) -> bool:
        """What was not renewed in time, since this process stood still, is another's by now."""
        return asyncio.get_running_loop().time() - permit.renewed < self._ack_wait

    def _received(self, _: Source, message: Msg) -> None:
        permit = Permit(message, asyncio.get_running_loop().time())
        self._held.add(permit)
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(permit)
                return
        self._unwanted = asyncio.ensure_future(self.give_back(permit))

    async def _request(self, source: Source) -> None:
        while True:
            self._wake.clear()
            try:
                wanted = min(sum(not turn.done() for turn in self._waiting), _BATCH) - source.requested
                if wanted > 0 and not source.backing_off:
                    await source.request(wanted, wait=True)
                await self._wake.wait()
            except Exception:
                log.exception("requesting permits failed; it goes on")
                await asyncio.sleep(_PAUSE)

    async def _send_heartbeats(self) -> None:
        while True:
            await asyncio.sleep(self._ack_wait / 3)
            for permit in list(self._held):
                if self._is_ours(permit):
                    with suppress(Exception):
                        await permit.message.in_progress()
                        permit.renewed = asyncio.get_running_loop().time()


async def _nothing(_: Msg) -> None: ...


async def _is_declared(bus: Bus, model: str, count: int, ack_wait: float) -> bool:
    """Whether there is nothing to do: a service that NATS lets declare nothing is content with that."""
    asking = partial(bus.jetstream.consumer_info, subjects.MODELS, subjects.model_permits_consumer(model))
    try:
        config = (await bus.retrying("find permits", asking)).config
    except NotFoundError:
        return False
    there = {stored.subject for stored in await bus.last_from_any_replica([_every(model)])}
    return (config.max_ack_pending, config.ack_wait) == (count, ack_wait) and there == set(_permits(model, count))


async def declare(bus: Bus, model: str, count: int, ack_wait: float) -> None:
    """The permits of a model and the consumer that lends them. The count that was declared last holds for all."""
    permits = _permits(model, count)
    there = {stored.subject for stored in await bus.last_from_any_replica([_every(model)])}
    for subject in there.difference(permits):
        await bus.jetstream.purge_stream(subjects.MODELS, subject=subject)
    for subject in permits:
        if subject not in there:
            try:
                # not empty: of what has no body nats-server brings only the first to another account (issue 6149)
                await bus.append(subject, b"permit", headers={Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: "0"})
            except APIError as error:  # another replica was first
                if not is_outdated(error):
                    raise
    consumer = ConsumerConfig(
        durable_name=subjects.model_permits_consumer(model),
        filter_subject=_every(model),
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ack_wait,
        max_deliver=-1,
        max_ack_pending=count,
        max_waiting=4096,
    )
    await bus.retrying("declare permits", lambda: bus.jetstream.add_consumer(subjects.MODELS, consumer))


def _permits(model: str, count: int) -> list[str]:
    return [subjects.model_permit(model, number) for number in range(count)]


def _every(model: str) -> str:
    return subjects.model_permit(model, "*")
