"""Fixtures: a real nats-server, the simulator beneath the real SDK, and the services in this process."""

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis

from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.settings import Settings
from penstock.testing.threads import in_thread
from tests.support.gateway_process import GatewayServer, serving_gateway
from tests.support.pipeline import Pipeline, pipeline_of
from tests.support.servers import NatsServer
from tests.support.simulator import BlockingSteering, Steering, serving

HERE = Path(__file__).parent
# An example takes as long as it takes: the machine may be busy.
hypothesis.register_profile("patient", deadline=None)
hypothesis.load_profile("patient")
#: Fixtures that take Node.js or npm.
NEED_NODE = {"node", "npm", "official_schema"}


def pytest_configure() -> None:
    """Tests that count model calls may ask the same twice: the cache is off where a test does not say otherwise.

    Processes that tests start take SIGINT, also where the shell that started pytest (with `&`) ignores it.

    What is ignored stays so in children, what is handled does not. The tests' own process goes on ignoring it.
    """
    os.environ.setdefault("PENSTOCK_CACHE", "false")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Markers by folder, and `node` by the fixtures that need it."""
    for item in items:
        room = item.path.relative_to(HERE).parts[0]
        if room in ("system", "faults", "fuzz"):
            item.add_marker(room)
        if NEED_NODE & set(getattr(item, "fixturenames", ())):
            item.add_marker("node")


def pytest_collection_finish() -> None:
    """What is there by now stays: the garbage collector need not look at it again, half a second each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[NatsServer]:
    """A nats-server of this test's own, with its data in a temporary folder."""
    async with NatsServer(tmp_path / "nats") as server:
        yield server


@pytest.fixture(scope="session")
def shared_simulator() -> Iterator[str]:
    """One simulator for all tests: to start one takes longer than most of them."""
    with in_thread(serving()) as url:
        yield url


@pytest.fixture
def gemini_url(shared_simulator: str) -> Iterator[str]:
    """The simulator, without any delay; what this test steers and counts is forgotten after it."""
    yield shared_simulator
    BlockingSteering(shared_simulator).clear()


@pytest.fixture
async def gemini(gemini_url: str) -> AsyncIterator[Steering]:
    """The handle that steers the simulator and counts its calls."""
    async with Steering(gemini_url) as steering:
        yield steering


@pytest.fixture
def partitions() -> int:
    """Of the streams. A test that is to hold for several has this as a parameter: `in_partitions`."""
    return 1


@pytest.fixture
def settings(nats: NatsServer, gemini_url: str, partitions: int) -> Settings:
    """Settings of all services. A test module that overrides this fixture has others."""
    return Settings(
        partitions=partitions,
        nats_url=nats.url,
        model_base_url=gemini_url,
        ack_wait=3,
        grace=5,
        nats_timeout=10,
        model_retry_delay=0.05,
        handover=0.5,
        port=0,
    )


@pytest.fixture
async def bus(settings: Settings) -> AsyncIterator[Bus]:
    """A connection to NATS, with streams that have just been declared."""
    bus = await connect(settings, "test")
    await declare(bus.jetstream, settings)
    yield bus
    await bus.connection.close()


@pytest.fixture
async def pipeline(settings: Settings, gemini: Steering) -> AsyncIterator[Pipeline]:
    """All services in this process, on streams that have just been declared."""
    async with pipeline_of(settings, gemini, "aggregator", "classifier", "workers") as pipeline:
        yield pipeline


@pytest.fixture
async def gateway(pipeline: Pipeline) -> AsyncIterator[GatewayServer]:
    """A gateway in front of the whole system."""
    async with serving_gateway(pipeline.settings) as server:
        yield server


@pytest.fixture(autouse=True)
def no_process_left_behind() -> Iterator[None]:
    """A test that starts a process ends it."""
    before = _children()
    yield
    left = _children() - before
    assert not left, f"processes left behind: {left}"


def _children() -> set[str]:
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return set(children.read_text().split()) if children.exists() else set()


@pytest.fixture(autouse=True)
async def no_task_left_behind() -> AsyncIterator[None]:
    """A test leaves no task running in its loop."""
    yield
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not left, f"tasks left behind: {left}"
