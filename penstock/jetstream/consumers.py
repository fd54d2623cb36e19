"""What waits in the durable consumers of a stream: asked of NATS when somebody wants to know."""

from functools import partial

from nats.aio.client import Client
from nats.js.api import ConsumerInfo

from penstock.jetstream.asking import consumers_of
from penstock.jetstream.bus import Bus
from penstock.jetstream.stored import Stored


async def consumers(bus: Bus, stream: str) -> list[ConsumerInfo]:
    """All of a stream, in whichever partition: each has its own, of the same names."""
    found: list[ConsumerInfo] = []
    for one in bus.partitions.streams(stream):
        listing = partial(_all, bus.connection, one)
        found += await bus.retrying(f"list the consumers of {one}", listing)
    return found


async def _all(connection: Client, stream: str) -> list[ConsumerInfo]:
    return [ConsumerInfo.from_response(one) async for one in consumers_of(connection, stream)]


def delivered(info: ConsumerInfo) -> int:
    """The last message of the stream that was given to anybody."""
    return info.delivered.stream_seq if info.delivered else 0


async def first_undelivered(bus: Bus, info: ConsumerInfo) -> Stored | None:
    """The message of a consumer that has waited longest, of those that were given to nobody."""
    if not info.num_pending:
        return None
    return await bus.first(info.config.filter_subject or ">", after=delivered(info))
