"""Fixtures: gateways before the pipeline, and one on streams that nobody serves."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.settings import Settings
from tests.gateway.raw_http import Start
from tests.support.gateway_process import GatewayServer, serving_gateway
from tests.support.pipeline import Pipeline
from tests.support.replica import Replica


@pytest.fixture
async def second(pipeline: Pipeline) -> AsyncIterator[GatewayServer]:
    """Another replica."""
    async with serving_gateway(pipeline.settings) as server:
        yield server


@pytest.fixture
async def bus(settings: Settings) -> AsyncIterator[Bus]:
    """A connection to streams that have just been declared; no service runs."""
    connection = await connect(settings, "test")
    try:
        await declare(connection.jetstream, settings)
        yield connection
    finally:
        await connection.connection.close()


@pytest.fixture
async def alone(bus: Bus, settings: Settings) -> AsyncIterator[GatewayServer]:
    """A replica without anybody behind it: jobs stay queued, and a test may write their facts itself."""
    async with serving_gateway(settings) as server:
        yield server


@pytest.fixture
async def start(bus: Bus, settings: Settings) -> AsyncIterator[Start]:
    """Starts a gateway process with settings of its own."""
    async with AsyncExitStack() as stack:

        async def started(**more: Any) -> Replica:
            replica = Replica()
            stack.push_async_callback(replica.end)
            await replica.start(settings, **more)
            return replica

        yield started
