"""A job with as many steps as one may have, and with one more."""

import asyncio

import pytest

from penstock import Pattern, PatternRequest, Run, Wire, jobs
from penstock.contracts.events import StepCompleted
from penstock.settings import Settings
from penstock.testing import PatternTest
from tests.support.gateway_process import GatewayServer
from tests.support.naming import named
from tests.support.pipeline import Pipeline

MOST = Settings.model_fields["max_steps"].default


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"patterns": ("tests.runs.many_steps:PATTERN",)})


async def test_a_job_with_the_most_steps_is_taken_over_and_read_like_any_other(
    pipeline: Pipeline, gateway: GatewayServer
) -> None:
    """Its aggregator ends when almost all steps are done; the next one reads them all."""
    job = await pipeline.submit("count", {"steps": MOST})
    done = 0
    async for event in pipeline.following(job):
        done += isinstance(event, StepCompleted)
        if done == MOST - 20:
            break
    await pipeline.stop("aggregator", grace=0)
    await pipeline.start("aggregator")
    assert await pipeline.result(job) == {"total": sum(range(MOST))}
    assert len(await pipeline.outcomes(job)) == MOST
    state = await jobs.look_up(pipeline.bus, named(job))
    assert state is not None
    assert state.status == "completed"
    assert (await gateway.http.get(f"/jobs/{job}")).json()["result"] == {"total": sum(range(MOST))}


async def test_one_more_step_fails_the_job(pipeline: Pipeline) -> None:
    """By the number of steps the pattern asks for, finished or not; said by a code of its own."""
    await pipeline.stop("aggregator")
    await pipeline.start("aggregator", max_steps=5)
    assert await pipeline.run("count", {"steps": 5}) == {"total": 10}
    problem = (await pipeline.failure(await pipeline.submit("count", {"steps": 6}))).problem
    assert (problem.code, problem.detail) == (
        "too_many_steps",
        "the job has 5 steps, and may have no more: count-5 is one",
    )


class SleepingRequest(PatternRequest):
    times: int


class Slept(Wire):
    times: int


async def sleeping(run: Run, request: SleepingRequest) -> Slept:
    await asyncio.gather(*(run.sleep(60) for _ in range(request.times)))
    return Slept(times=request.times)


SLEEPING = Pattern(
    name="sleeping",
    summary="Sleep many times at once.",
    run=sleeping,
    request=SleepingRequest,
    result=Slept,
    steps=(),
    example=SleepingRequest(times=1),
)


@pytest.mark.long
async def test_what_the_run_does_itself_counts_as_well() -> None:
    """Each wait is a fact and a timer, so a number that comes from a request is no number of timers."""
    tested = PatternTest(SLEEPING, replays=0)
    assert (await tested.run({"times": MOST})).result.times == MOST
    failed = await tested.run({"times": MOST + 1})
    assert failed.failure is not None
    assert failed.failure.code == "too_many_steps"
