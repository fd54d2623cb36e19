"""The whole system as real processes, shared by the tests of this folder: whatever dies is started again."""

from collections.abc import AsyncIterator, Iterator

import pytest

from penstock.jetstream.connection import connect
from penstock.local.stack import Stack
from penstock.settings import Settings
from penstock.testing.threads import in_thread
from tests.faults.fault_harness import FaultHarness
from tests.support.simulator import Steering

ENV = {
    "PENSTOCK_ACK_WAIT": "2",
    # A takeover counts as an attempt, and on a busy machine there are many: no tier may run out of models.
    "PENSTOCK_COMPLEX_MODELS": ",".join(["gemini-4-argon"] * 8),
    "PENSTOCK_FAST_MODELS": ",".join(["gemini-3.8-flash"] * 8),
    "PENSTOCK_MODEL_RETRY_DELAY": "0.05",
    "PENSTOCK_GRACE": "5",
    "PENSTOCK_MAX_DELIVERIES": "100",
}


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(data=tmp_path_factory.mktemp("faults"), port=0, pace="off", workers=2, env=ENV)
    with in_thread(stack):
        yield stack


@pytest.fixture
async def harness(stack: Stack) -> AsyncIterator[FaultHarness]:
    """The stack as its callers and its enemies see it. All its processes run again when a test begins."""
    bus = await connect(Settings(nats_url=stack.nats_url), "test")
    assert stack.simulator_url is not None
    async with Steering(stack.simulator_url) as gemini:
        harness = FaultHarness(stack, bus, gemini)
        yield harness
        await gemini.clear()
        await harness.recovered()
        await gemini.clear()
    await bus.connection.close()
