"""A request that never reaches the server, on a connection that lives on."""

import asyncio
import re
from urllib.parse import urlsplit

from nats.aio.msg import Msg

from penstock.jetstream import subjects
from penstock.jetstream.connection import connect
from penstock.jetstream.source import Source
from penstock.jetstream.streams import declare
from penstock.settings import Settings
from tests.client.relay import Relay
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.servers import NatsServer

REQUEST = re.compile(rb"PUB \$JS\.API\.CONSUMER\.MSG\.NEXT\.\S+ \S+ \d+\r\n.*?\r\n")


class Forgetful(Relay):
    """Does not pass on the first request for messages."""

    lost = False

    def passed(self, piece: bytes) -> bytes:
        rest, found = (piece, 0) if self.lost else REQUEST.subn(b"", piece, count=1)
        self.lost = self.lost or bool(found)
        return rest


async def handle(message: Msg) -> None:
    """Nothing: the test is the one to settle it."""


async def test_a_lost_request_is_noticed_although_others_are_answered(settings: Settings, nats: NatsServer) -> None:
    """Else its slot would stay empty for as long as there is work."""
    port = urlsplit(nats.url).port
    assert port is not None
    async with Forgetful(port) as relay, asyncio.timeout(PATIENCE):
        url = relay.url.replace("http", "nats")
        bus = await connect(settings.model_copy(update={"nats_url": url}), "test")
        try:
            await declare(bus.jetstream, settings)
            received, changed = asyncio.Queue[Msg](), asyncio.Event()
            durable = subjects.step_consumer("workers", "sequential-processing", "draft")
            source = Source(
                bus.connection,
                subjects.STEPS,
                durable,
                handle,
                received=lambda _, message: received.put_nowait(message),
                changed=lambda _: changed.set(),
            )
            await source.open()
            await source.request(1, wait=True)
            number = 0
            while source.requested:
                await source.request(1, wait=True)
                await bus.once(
                    subjects.step("workers", "sequential-processing", "draft", named("job"), str(number := number + 1)),
                    b"",
                )
                await (await received.get()).ack()
                changed.clear()
            assert relay.lost
            assert source.answered.is_set()
            await source.request(1, wait=True)
            await bus.once(subjects.step("workers", "sequential-processing", "draft", named("job"), "last"), b"")
            assert (await received.get()).subject.endswith(".last")
            await source.aclose()
        finally:
            await bus.connection.close()
