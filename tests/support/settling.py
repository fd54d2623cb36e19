"""Hearing how services settle messages: their acknowledgements pass by on plain subjects."""

import asyncio
from dataclasses import dataclass

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from penstock.jetstream.bus import Bus
from tests.support.patience import PATIENCE


@dataclass(frozen=True)
class Settled:
    """One acknowledgement. `how` is ACK, NAK, TERM or WPI (a heartbeat); `sequence` the message's in its stream."""

    how: str
    stream: str
    consumer: str
    sequence: int
    delivery: int
    #: Where it was sent: whoever publishes there settles the same delivery.
    subject: str


class Settlements:
    """`async with`: hears every acknowledgement from entry to exit."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._subscription: Subscription | None = None
        self._changed = asyncio.Event()
        self.all: list[Settled] = []

    async def __aenter__(self) -> "Settlements":
        self._subscription = await self._bus.connection.subscribe("$JS.ACK.>", cb=self._on_message)
        await self._bus.connection.flush()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._subscription is not None:
            await self._subscription.unsubscribe()

    def of(self, how: str, stream: str = "STEPS", consumer: str = "") -> list[Settled]:
        kind = how, stream
        return [one for one in self.all if (one.how, one.stream) == kind and one.consumer.startswith(consumer)]

    async def wait_for(self, how: str, count: int = 1, *, stream: str = "STEPS", consumer: str = "") -> list[Settled]:
        """Those of a kind, as soon as there are so many. `consumer`: how its name begins."""
        async with asyncio.timeout(PATIENCE):
            while len(found := self.of(how, stream, consumer)) < count:
                self._changed.clear()
                await self._changed.wait()
        return found

    async def settled(self, stream: str, sequence: int) -> None:
        """Return once this message needs no more deliveries."""
        async with asyncio.timeout(PATIENCE):
            while not any(one.sequence == sequence for how in ("ACK", "TERM") for one in self.of(how, stream)):
                self._changed.clear()
                await self._changed.wait()

    async def _on_message(self, message: Msg) -> None:
        tokens = message.subject.split(".")
        if len(tokens) > 9:  # with domain and account hash
            tokens = [*tokens[:2], *tokens[4:]]
        how = message.data.decode().partition(" ")[0].lstrip("+-") or "ACK"
        self.all.append(Settled(how, tokens[2], tokens[3], int(tokens[5]), int(tokens[4]), message.subject))
        self._changed.set()
