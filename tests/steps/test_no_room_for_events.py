"""A step whose first events NATS has no room for is not begun, and does not fail: it comes again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.js.api import DiscardPolicy, StreamConfig

from penstock.jetstream import subjects
from penstock.settings import Settings
from tests.steps.step_harness import MODEL_STEPS, StepHarness, executing
from tests.support.log_records import logged


@pytest.fixture
async def services(shared_simulator: str, tmp_path: Path) -> AsyncIterator[Settings]:
    settings = Settings(model_base_url=shared_simulator, ack_wait=2, nats_timeout=1, grace=5, port=0)
    async with executing(settings, tmp_path) as settings:
        yield settings


async def test_a_step_whose_events_cannot_be_stored_waits_for_room(harness: StepHarness) -> None:
    config: StreamConfig = (await harness.bus.jetstream.stream_info(subjects.EVENTS)).config
    full = config.evolve(max_bytes=1, discard=DiscardPolicy.NEW)
    with logged("penstock.jetstream.settling", "NATS was away") as records:
        await harness.bus.jetstream.update_stream(full)
        await harness.dispatch(MODEL_STEPS[0])
        await records.times(1)
    assert await harness.gemini.calls(job=harness.job) == []
    await harness.bus.jetstream.update_stream(config)
    assert (await harness.outcome()).failure is None
