"""The same system, reached over HTTP or over NATS."""

from collections.abc import AsyncIterator

import pytest

from penstock.client import Client, HttpClient, NatsClient
from tests.support.gateway_process import GatewayServer
from tests.support.pipeline import Pipeline


@pytest.fixture
async def over_http(gateway: GatewayServer) -> AsyncIterator[HttpClient]:
    async with HttpClient(gateway.url, patience=10) as client:
        yield client


@pytest.fixture
async def over_nats(pipeline: Pipeline) -> AsyncIterator[NatsClient]:
    async with NatsClient(pipeline.settings) as client:
        yield client


@pytest.fixture(params=["over_http", "over_nats"])
async def client(request: pytest.FixtureRequest, over_http: HttpClient, over_nats: NatsClient) -> Client:
    """Each test runs over both."""
    return over_http if request.param == "over_http" else over_nats
