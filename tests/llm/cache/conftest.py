"""A cache of the test's own, on a real nats-server."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import pytest_asyncio

from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.llm.client import Llm
from penstock.settings import Settings
from penstock.steps.replies import Replies
from tests.llm.cache.caching import of_tenant
from tests.support.patience import PATIENCE
from tests.support.servers import NatsServer


@pytest.fixture
def settings(nats: NatsServer, gemini_url: str) -> Settings:
    """No claim grows too old before its test is over."""
    return Settings(nats_url=nats.url, model_base_url=gemini_url, cache=True, ack_wait=2 * PATIENCE, port=0, grace=5)


@pytest_asyncio.fixture
async def bus(settings: Settings) -> AsyncIterator[Bus]:
    bus = await connect(settings, "test")
    await declare(bus.jetstream, settings)
    yield bus
    await bus.connection.close()


@pytest_asyncio.fixture
async def llm(settings: Settings) -> AsyncIterator[Llm]:
    async with aclosing(Llm(settings)) as llm:
        yield llm


@pytest.fixture
def replies(bus: Bus, settings: Settings) -> Replies:
    return of_tenant(bus, settings, "default")
