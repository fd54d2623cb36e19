"""Fixtures: gateways before the pipeline, and one on streams that nobody serves."""

from collections.abc import AsyncIterator

import pytest

from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.settings import Settings
from tests.support.gateway_process import GatewayServer, serving_gateway
from tests.support.pipeline import Pipeline


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
