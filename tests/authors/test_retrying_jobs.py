"""A job that failed is tried again: by a job of its own, which is not charged for what the first one has finished."""

import pytest

from penstock.contracts.usage import Usage
from penstock.errors import Refused
from penstock.jetstream import subjects
from penstock.jobs import cancel, look_up, new_job_id, retry
from penstock.settings import Settings
from tests.authors.test_changing_patterns import only, paid
from tests.faults.fault_harness import checked
from tests.support.naming import named
from tests.support.pipeline import Pipeline

FAILS = {"status": 400}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"patterns": only("ONE")})


async def failed(pipeline: Pipeline, at: str, *, times: int = 1) -> str:
    """A job that the model has refused at `at`, which it will do for so many times."""
    await pipeline.gemini.rule(contains=f'"{at}', fault=FAILS, times=times)
    job = await pipeline.submit("changing", {})
    assert (await pipeline.failure(job)).problem.code == "model_rejected"
    return job


async def retried(pipeline: Pipeline, job: str) -> str:
    state = await retry(pipeline.bus, named(job))
    assert state is not None
    return state.id


async def test_what_had_been_finished_is_not_paid_again(pipeline: Pipeline) -> None:
    """Readers of the new job are shown it all the same, and each of the two says which the other is."""
    job = await failed(pipeline, "gamma")
    new = await retried(pipeline, job)
    events = await pipeline.events(new)
    result = checked(events)
    assert len(result["said"]) == 3
    assert await paid(pipeline, new) == ["gamma"]
    before, after = await look_up(pipeline.bus, named(job)), await look_up(pipeline.bus, named(new))
    assert before is not None
    assert after is not None
    assert (before.status, before.retried_as, before.retry_of) == ("failed", new, None)
    assert (after.status, after.retried_as, after.retry_of) == ("completed", None, job)
    assert before.usage.calls == 2
    assert after.usage.calls == 1
    first, second = await pipeline.outcomes(job), await pipeline.outcomes(new)
    for key in ("alpha", "beta"):
        assert second[key].value == first[key].value
        assert second[key].usage == Usage()


async def test_asked_for_again_it_is_the_same_job_until_that_has_failed_as_well(pipeline: Pipeline) -> None:
    """The third has what all before it have finished; a job that has not failed is not tried again."""
    await pipeline.gemini.rule(contains='"beta"', reply={"hold": "beta"})
    job = await failed(pipeline, "alpha")
    second = await retried(pipeline, job)
    await pipeline.gemini.wait(held="beta")
    assert await retried(pipeline, job) == second
    with pytest.raises(Refused, match=f"{second} is running"):
        await retry(pipeline.bus, named(second))
    await pipeline.gemini.rule(contains='"gamma', fault=FAILS, times=1)
    await pipeline.gemini.release("beta")
    await pipeline.failure(second)
    third = await retried(pipeline, job)
    assert third not in (job, second)
    assert len((await pipeline.result(third))["said"]) == 3
    assert await retried(pipeline, job) == await retried(pipeline, second) == third
    assert await paid(pipeline, third) == ["gamma"]
    with pytest.raises(Refused, match=f"{third} is completed"):
        await retry(pipeline.bus, named(third))
    assert await retry(pipeline.bus, named(new_job_id())) is None


async def test_a_job_is_retried_after_its_pattern_was_mended(pipeline: Pipeline) -> None:
    """The try between was cancelled before an aggregator had it: what the first has finished counts all the same."""
    await pipeline.stop("aggregator")
    await pipeline.start("aggregator", patterns=only("BROKEN"))
    job = await pipeline.submit("changing", {})
    assert (await pipeline.failure(job)).problem.code == "pattern_error"
    await pipeline.stop("aggregator")
    second = await retried(pipeline, job)
    cancelled = await cancel(pipeline.bus, named(second))
    assert cancelled is not None
    assert (cancelled.status, cancelled.retry_of) == ("cancelled", job)
    third = await retried(pipeline, second)
    await pipeline.start("aggregator")
    assert len((await pipeline.result(third))["said"]) == 3
    assert [await paid(pipeline, one) for one in (job, second, third)] == [["alpha", "beta"], [], ["gamma"]]


async def test_a_step_that_a_job_could_do_without_is_tried_again_and_what_came_of_it(pipeline: Pipeline) -> None:
    """What was made from its failure is made anew, and the rest is not."""
    await pipeline.stop("aggregator")
    await pipeline.start("aggregator", patterns=only("FORGIVING"))
    await pipeline.gemini.rule(contains='"beta"', fault=FAILS, times=1)
    await pipeline.gemini.rule(contains='"gamma and', reply={"hold": "gamma"})
    job = await pipeline.submit("changing", {})
    await pipeline.gemini.wait(held="gamma")
    await cancel(pipeline.bus, named(job))
    await pipeline.gemini.release("gamma")
    new = await retried(pipeline, job)
    assert (await pipeline.result(new))["said"][1] != "nothing"
    assert await paid(pipeline, new) == ["beta", "gamma"]


async def test_time_and_chance_are_those_of_the_first_try(pipeline: Pipeline) -> None:
    """Else steps that are given them would be other steps."""
    await pipeline.stop("aggregator")
    await pipeline.start("aggregator", patterns=only("DATED"))
    job = await failed(pipeline, "gamma", times=2)
    second = await retried(pipeline, job)
    await pipeline.failure(second)
    third = await retried(pipeline, job)
    await pipeline.result(third)
    assert [await paid(pipeline, one) for one in (second, third)] == [["gamma"], ["gamma"]]


async def test_an_aggregator_that_dies_while_a_job_is_retried_is_replaced(pipeline: Pipeline) -> None:
    """Whatever was taken over by then."""
    job = await failed(pipeline, "gamma")
    await pipeline.gemini.rule(contains='"gamma"', reply={"hold": "gamma"})
    new = await retried(pipeline, job)
    await pipeline.gemini.wait(held="gamma")
    await pipeline.stop("aggregator", grace=0)
    await pipeline.start("aggregator")
    await pipeline.gemini.release("gamma")
    assert len(checked(await pipeline.events(new))["said"]) == 3
    assert await paid(pipeline, new) == ["gamma"]


async def test_nobody_takes_over_another_job_by_saying_so(pipeline: Pipeline) -> None:
    """A retry's id is made from that of the job before it."""
    job = await failed(pipeline, "gamma")
    body = (await pipeline.bus.last_from_leader(subjects.job("changing", named(job)))).data  # type: ignore[union-attr]
    await pipeline.bus.once(subjects.job("changing", named("mine")), body, headers={subjects.RETRY_HEADER: job})
    await pipeline.result("mine")
    assert await paid(pipeline, "mine") == ["alpha", "beta", "gamma"]
    state = await look_up(pipeline.bus, named("mine"))
    assert state is not None
    assert state.retry_of is None
