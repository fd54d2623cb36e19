"""One running system for all tests of the patterns, in this process (`pipeline`) or as processes (`stack`).

Each test has jobs of its own, and finds the simulator without rules.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from penstock.local.stack import Stack
from penstock.settings import Settings
from tests.support.pipeline import Pipeline, pipeline_of
from tests.support.repository import ROOT
from tests.support.servers import NatsServer
from tests.support.simulator import Steering

WARMING = [{"name": "calculate", "args": {"expression": f"{number} + 1"}} for number in range(2)]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def system(tmp_path_factory: pytest.TempPathFactory, shared_simulator: str) -> AsyncIterator[Pipeline]:
    """All services in this process, with warm tools."""
    url = shared_simulator
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(NatsServer(tmp_path_factory.mktemp("patterns")))
        gemini = await stack.enter_async_context(Steering(url))
        # nothing dies here: a busy machine must not look like a dead replica
        settings = Settings(
            nats_url=server.url, model_base_url=url, ack_wait=10, nats_timeout=10, model_retry_delay=0.05, port=0
        )
        system = await stack.enter_async_context(pipeline_of(settings, gemini, "aggregator", "classifier", "workers"))
        await gemini.rule(step="think", times=1, reply={"functionCalls": WARMING})
        await gemini.rule(step="think", reply={"text": "Warm."})
        await system.run("multi-step-tool-usage", {"problem": "warm up"})
        yield system


@pytest_asyncio.fixture(loop_scope="session")
async def pipeline(system: Pipeline) -> AsyncIterator[Pipeline]:
    """The system, its model unsteered."""
    await system.gemini.clear()
    yield system
    await system.gemini.clear()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory, shared_simulator: str) -> AsyncIterator[Stack]:
    """All services as `penstock up` starts them, with one pattern more than the six."""
    env = {
        "PENSTOCK_PATTERNS": "examples.debate.pattern:PATTERN",
        "PENSTOCK_MODEL_BASE_URL": shared_simulator,
        "PENSTOCK_ACK_WAIT": "2",
        "PYTHONPATH": str(ROOT),
    }
    async with Stack(data=tmp_path_factory.mktemp("stack"), port=0, env=env) as stack:
        yield stack
