"""What is handled as it is read from the socket, by functions that wait for nothing.

nats-py puts each message into a queue from which a task of the subscription takes it: a task for each subscription, two
turns of the event loop for each message (docs/nats-py.md).
"""

import asyncio
import logging
from collections.abc import Callable

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

log = logging.getLogger(__name__)

Hear = Callable[[Msg], None]


async def subscribe(connection: Client, subject: str, hear: Hear) -> Subscription:
    """Have `hear` called with each message, in the order in which they come. What it raises is logged."""
    subscription = await connection.subscribe(subject, pending_bytes_limit=0)
    came, heard = subscription._pending_queue, _Heard(hear)
    subscription._pending_queue = heard
    while not came.empty():
        heard.put_nowait(came.get_nowait())
    return subscription


class _Heard(asyncio.Queue[Msg]):
    """In place of a subscription's queue, and always empty."""

    def __init__(self, hear: Hear) -> None:
        super().__init__()
        self._hear = hear

    def put_nowait(self, message: Msg) -> None:
        try:
            self._hear(message)
        except Exception:  # it would end the connection's read loop
            log.exception("a message was not handled", extra={"subject": message.subject})
