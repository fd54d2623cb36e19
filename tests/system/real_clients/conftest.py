"""Fixtures: the clients' packages, a gateway in front of the whole system, and replicas that can be killed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.support.node import install
from tests.support.pipeline import Pipeline
from tests.support.replica import Replica
from tests.system.real_clients import node
from tests.system.real_clients.switch import Switch


@pytest.fixture(scope="session")
def npm() -> None:
    """The packages of node/package-lock.json, installed once."""
    install(node.SCRIPTS)


@pytest.fixture
async def replicas(pipeline: Pipeline) -> AsyncIterator[tuple[Replica, Replica]]:
    """Two gateways as processes of their own, which say on a quiet stream twenty times a second that they live."""
    async with AsyncExitStack() as stack:
        first, second = Replica(), Replica()
        for replica in (first, second):
            stack.push_async_callback(replica.end)
        await start_all(pipeline, first, second)
        yield first, second


async def start_all(pipeline: Pipeline, *replicas: Replica) -> None:
    """Start replicas at once."""
    await asyncio.gather(*(replica.start(pipeline.settings, heartbeat=0.05) for replica in replicas))


@pytest.fixture
async def switch(replicas: tuple[Replica, Replica]) -> AsyncIterator[Switch]:
    """One address for both replicas: connections go to the first one that answers."""
    async with Switch([replica.port for replica in replicas]) as switch:
        yield switch
