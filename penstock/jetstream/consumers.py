"""What waits in the durable consumers of a stream: asked of NATS when somebody wants to know."""

from functools import partial

from nats.js.api import ConsumerInfo

from penstock.jetstream.bus import Bus
from penstock.jetstream.stored import Stored

#: Consumers that NATS lists at once.
_PAGE = 256


async def consumers(bus: Bus, stream: str) -> list[ConsumerInfo]:
    """All of a stream."""
    found: list[ConsumerInfo] = []
    while len(found) % _PAGE == 0:
        listing = partial(bus.jetstream.consumers_info, stream, len(found))
        if not (page := await bus.retrying(f"list the consumers of {stream}", listing)):
            break
        found += page
    return found


def delivered(info: ConsumerInfo) -> int:
    """The last message of the stream that was given to anybody."""
    return info.delivered.stream_seq if info.delivered else 0


async def first_undelivered(bus: Bus, stream: str, info: ConsumerInfo) -> Stored | None:
    """The message of a consumer that has waited longest, of those that were given to nobody."""
    if not info.num_pending:
        return None
    return await bus.first(info.config.filter_subject or ">", after=delivered(info))
