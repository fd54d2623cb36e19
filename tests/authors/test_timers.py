"""Time that passes: sleeps, and waits that end without a signal."""

import asyncio
from datetime import UTC, datetime

import pytest

from penstock.contracts.events import JobResumed, JobWaiting
from penstock.contracts.waiting import TimerFired, Waiting, timer_key, wait_key
from penstock.jetstream import subjects
from penstock.jobs import signal
from penstock.jobs.timers import set_timer
from penstock.patterns.loading import load
from penstock.settings import Settings
from tests.authors import reminding
from tests.support.naming import named
from tests.support.pipeline import Pipeline
from tests.support.servers import NatsServer

NAME = f"{reminding.__name__}:PATTERN"
PATTERNS = load([NAME])


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"patterns": (NAME,)})


async def fired(pipeline: Pipeline, job: str, key: str) -> tuple[Waiting, TimerFired]:
    wait, timer = [
        await pipeline.bus.last_from_leader(subjects.journal(named(job), fact))
        for fact in (wait_key(key), timer_key(key))
    ]
    assert wait is not None
    assert timer is not None
    return Waiting.model_validate_json(wait.data), TimerFired.model_validate_json(timer.data)


async def test_a_sleep_ends_when_its_time_has_come(pipeline: Pipeline) -> None:
    job = await pipeline.submit("reminding", {"sleeps": [0, 0.5, 1.2]})
    await pipeline.result(job)
    for number in (1, 2, 3):
        wait, timer = await fired(pipeline, job, f"sleep-{number}")
        assert timer.fired_at >= wait.until
    waits = [event for event in await pipeline.events(job) if isinstance(event, JobWaiting | JobResumed)]
    assert {event.key for event in waits} == {"sleep-1", "sleep-2", "sleep-3"}
    assert all(event.signal is None for event in waits)


async def test_a_wait_times_out_and_the_pattern_goes_on_without_an_answer(pipeline: Pipeline) -> None:
    """What it does then is done once; the next wait for the same signal gets it."""
    job = await pipeline.submit("reminding", {"timeouts": [0.2, None]})
    async for event in pipeline.following(job):
        if isinstance(event, JobWaiting) and event.key == "answer-2":
            await signal(pipeline.bus, PATTERNS, named(job), "answer", b'{"text": "at last"}')
    assert await pipeline.result(job) == {"answer": "at last", "reminders": 1}
    resumed = [event for event in await pipeline.events(job) if isinstance(event, JobResumed)]
    assert [(event.key, event.timed_out) for event in resumed] == [("answer-1", True), ("answer-2", False)]
    assert reminding.NOTED.count(f"{job} is reminded") == 1


async def test_a_timer_fires_once_with_two_aggregators(pipeline: Pipeline) -> None:
    """Also where it was set again when it had fired."""
    await pipeline.start("aggregator")
    jobs = [await pipeline.submit("reminding", {"sleeps": [0.3], "timeouts": [0.3]}) for _ in range(8)]
    for job in jobs:
        assert (await pipeline.result(job))["reminders"] == 1
        wait, _ = await fired(pipeline, job, "answer-1")
        async with pipeline.settlements() as settled:
            await set_timer(pipeline.bus, named(job), "answer-1", wait.until)
            await settled.wait_for("ACK", stream=subjects.TIMERS)
        resumed = [event for event in await pipeline.events(job) if isinstance(event, JobResumed)]
        assert [event.key for event in resumed] == ["sleep-1", "answer-1"]
        assert reminding.NOTED.count(f"{job} is reminded") == 1


async def test_a_timer_outlives_every_process(pipeline: Pipeline, nats: NatsServer) -> None:
    """NATS itself and the aggregator are down when the time comes."""
    job = await pipeline.submit("reminding", {"sleeps": [1.5]})
    async for event in pipeline.following(job):
        if isinstance(event, JobWaiting):
            until = event.until
            break
    await pipeline.stop("aggregator", grace=0)
    await nats.kill()
    await asyncio.sleep((until - datetime.now(UTC)).total_seconds())
    await nats.start()
    await pipeline.start("aggregator")
    assert await pipeline.result(job) == {"answer": None, "reminders": 0}


async def test_what_would_outlast_the_jobs_record_is_refused(pipeline: Pipeline) -> None:
    days = pipeline.settings.jobs_max_age_days
    job = await pipeline.submit("reminding", {"sleeps": [days * 86_400]})
    problem = (await pipeline.failure(job)).problem
    assert (problem.code, problem.step) == ("wait_too_long", "sleep-1")


async def test_what_is_no_time_is_refused(pipeline: Pipeline) -> None:
    job = await pipeline.submit("reminding", {"sleeps": [-1]})
    assert (await pipeline.failure(job)).problem.code == "pattern_error"
