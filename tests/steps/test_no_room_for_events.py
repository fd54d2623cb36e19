"""NATS has no room for events: a step is not begun then; what a failed attempt cost is told when there is room."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.js.api import DiscardPolicy, StreamConfig

from penstock.contracts.events import StepRetrying
from penstock.jetstream import subjects
from penstock.jetstream.event_log import stored_events
from penstock.settings import Settings
from tests.steps.step_harness import MODEL_STEPS, StepHarness, executing
from tests.support.log_records import logged
from tests.support.naming import named


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


async def test_what_a_failed_attempt_cost_is_kept_until_there_is_room(harness: StepHarness) -> None:
    """The next attempt counts it: the outcome has the usage of both."""
    config: StreamConfig = (await harness.bus.jetstream.stream_info(subjects.EVENTS)).config
    await harness.gemini.rule(times=1, job=harness.job, reply={"hold": "break"}, fault={"break_after_chunks": 3})
    await harness.dispatch(MODEL_STEPS[0])
    await harness.gemini.wait(job=harness.job)
    with logged("penstock.jetstream.settling", "NATS stores nothing; what the attempt cost is kept") as records:
        await harness.bus.jetstream.update_stream(config.evolve(max_bytes=1, discard=DiscardPolicy.NEW))
        await harness.gemini.release("break")
        await records.times(1)
    await harness.bus.jetstream.update_stream(config)
    outcome = await harness.outcome()
    assert (outcome.failure, outcome.attempt, outcome.usage.calls) == (None, 2, 2)
    stored = [event async for event in stored_events(harness.bus, named(harness.job))]
    assert len([event for event in stored if isinstance(event, StepRetrying)]) == 1
