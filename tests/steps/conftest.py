"""One classifier and one set of workers serve all tests of this folder; each test has a job id of its own."""

from collections.abc import AsyncIterator, Iterator

import pytest

from penstock.jetstream.connection import connect
from penstock.settings import Settings
from penstock.testing.threads import in_thread
from tests.steps.step_harness import StepHarness, executing
from tests.support.simulator import Steering


@pytest.fixture(scope="package")
def services(shared_simulator: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The settings of services that run in a thread of their own."""
    settings = Settings(
        model_base_url=shared_simulator,
        ack_wait=4,
        grace=5,
        nats_timeout=10,
        model_retry_delay=0.01,
        complex_models=("big-one", "small-one"),
        fast_models=("big-one", "small-one"),
        port=0,
    )
    with in_thread(executing(settings, tmp_path_factory.mktemp("contracts"))) as settings:
        yield settings


@pytest.fixture
async def harness(services: Settings, gemini: Steering) -> AsyncIterator[StepHarness]:
    """A connection of the test's own, and a job."""
    bus = await connect(services, "test")
    yield StepHarness(bus, gemini, services)
    await bus.connection.close()
