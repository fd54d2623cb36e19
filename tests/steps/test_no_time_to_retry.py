"""A step that could only be tried again after its job's deadline."""

import time
from collections.abc import Iterator

import pytest

from penstock.settings import Settings
from penstock.testing.threads import in_thread
from tests.steps.step_harness import MODEL_STEPS, StepHarness, executing


@pytest.fixture(scope="module")
def services(shared_simulator: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = Settings(model_base_url=shared_simulator, model_retry_delay=3600, nats_timeout=10, grace=5, port=0)
    with in_thread(executing(settings, tmp_path_factory.mktemp("late"))) as settings:
        yield settings


async def test_a_step_is_not_tried_again_after_the_deadline(harness: StepHarness) -> None:
    """It fails at once, with what its one attempt failed with."""
    await harness.gemini.rule(fault={"status": 429, "retryDelay": 3600})
    await harness.dispatch(MODEL_STEPS[0], deadline=time.time() + 10)
    outcome = await harness.outcome()
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.attempt) == ("model_unavailable", 1)
