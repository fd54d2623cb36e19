"""Patterns change while jobs run: by a version, by `run.patched`, and by aggregators that do not know them yet."""

import asyncio
import hashlib
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import pytest

from penstock import jobs
from penstock.contracts.journal import JobStart
from penstock.jetstream import subjects
from penstock.local.process import Process
from penstock.local.stack import PENSTOCK
from penstock.patterns.loading import load
from penstock.settings import Settings
from tests.authors import changing
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline

#: For so long that a job is surely handed back for as long as the test needs.
PATIENT = 600.0


def only(version: str) -> tuple[str]:
    return (f"{changing.__name__}:{version}",)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"patterns": only("ONE")})


async def begun(pipeline: Pipeline, held: str) -> str:
    """A job whose step `held` is being done. No aggregator runs any more."""
    await pipeline.gemini.rule(contains=f'"{held}"', reply={"hold": held})
    job = await pipeline.submit("changing", {})
    await pipeline.gemini.wait(held=held)
    await pipeline.stop("aggregator", grace=0)
    return job


async def paid(pipeline: Pipeline, job: str) -> list[str]:
    """The steps that the model was asked for."""
    return [str(call.key) for call in await pipeline.gemini.calls(job=job)]


async def test_a_job_goes_on_with_the_version_it_began_with_where_a_replica_has_it(pipeline: Pipeline) -> None:
    """A newer one that is given it hands it back."""
    job = await begun(pipeline, "beta")
    async with pipeline.settlements() as settlements:
        await pipeline.start("aggregator", patterns=only("OTHER_INPUT"), handover=PATIENT)
        await settlements.wait_for("NAK", 2, stream=subjects.JOBS)
    await pipeline.start("aggregator")
    await pipeline.gemini.release("beta")
    assert len((await pipeline.result(job))["said"]) == 3
    assert await paid(pipeline, job) == ["alpha", "beta", "gamma"]


async def test_a_job_whose_version_is_gone_is_run_by_another_that_fits(pipeline: Pipeline) -> None:
    job = await begun(pipeline, "beta")
    await pipeline.start("aggregator", patterns=only("FITTING"))
    await pipeline.gemini.release("beta")
    assert len((await pipeline.result(job))["said"]) == 3
    assert await paid(pipeline, job) == ["alpha", "beta", "gamma"]


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("OTHER_INPUT", "journal of JOB has draft under 'beta' with another input than the pattern now gives it"),
        ("OTHER_PLACE", "under 'beta' with its output at /said/1, not at None as it is now"),
        ("ONE_LESS", "gamma was begun, and the pattern does not ask for it any more"),
    ],
)
async def test_a_job_whose_version_is_gone_fails_with_what_has_changed(
    pipeline: Pipeline, version: str, why: str
) -> None:
    """With both versions, and the first step that differs."""
    job = await begun(pipeline, "gamma")
    await pipeline.start("aggregator", patterns=only(version))
    await pipeline.gemini.release("gamma")
    problem = (await pipeline.failure(job)).problem
    assert problem.code == "replay_mismatch"
    assert "began with version '1' of changing, which no replica has any more; with version '2'," in problem.detail
    assert why.replace("JOB", job) in problem.detail


async def test_a_job_past_its_deadline_is_not_handed_back(pipeline: Pipeline) -> None:
    await pipeline.stop("aggregator")
    body = b"{}"
    body_hash = hashlib.sha256(body).hexdigest()
    past = JobStart(pattern="changing", body_hash=body_hash, accepted_at=0, deadline=1, version="1")
    await pipeline.bus.once(subjects.journal(named("late"), "start"), past.model_dump_json().encode())
    await pipeline.submit("changing", body, "late")
    await pipeline.start("aggregator", patterns=only("FITTING"), handover=PATIENT)
    assert (await pipeline.failure("late")).problem.code == "deadline_exceeded"


async def test_a_job_of_a_pattern_that_is_deployed_later_waits_for_it(pipeline: Pipeline) -> None:
    """As where the gateway, or a caller of NATS, knows it first."""
    await pipeline.stop("aggregator")
    async with pipeline.settlements() as settlements:
        await pipeline.start("aggregator", patterns=(), handover=PATIENT)
        job = await pipeline.submit("changing", {})
        await settlements.wait_for("NAK", 2, stream=subjects.JOBS)
    await pipeline.start("aggregator")
    assert len((await pipeline.result(job))["said"]) == 3


async def test_steps_of_a_pattern_never_reach_workers_that_do_not_know_it(pipeline: Pipeline) -> None:
    """Each kind of step has a consumer of its own: they wait for a worker that does."""
    await pipeline.stop("workers")
    await pipeline.start("workers", patterns=())
    job = await pipeline.submit("changing", {})
    await pipeline.run("sequential-processing", {"input": "A solar lamp"})
    assert await pipeline.outcomes(job) == {}
    await pipeline.start("workers")
    assert len((await pipeline.result(job))["said"]) == 3


@pytest.mark.parametrize(("held", "applies"), [("alpha", True), ("beta", False), ("gamma", False)])
async def test_a_job_takes_a_patch_that_it_had_not_come_to(pipeline: Pipeline, held: str, applies: bool) -> None:
    """It is past it if it has had a step done behind it, or only begun one. The first answer stands, killed or not."""
    job = await begun(pipeline, held)
    later = "extra" if held == "alpha" else held
    await pipeline.gemini.rule(contains=f'"{later}"', reply={"hold": "later"})
    await pipeline.start("aggregator", patterns=only("PATCHED"))
    if held == "alpha":
        await pipeline.gemini.release(held)
        await pipeline.gemini.wait(held="later")
    else:
        await decided(pipeline, job)
    await pipeline.stop("aggregator", grace=0)
    await pipeline.start("aggregator", patterns=only("PATCHED"))
    await pipeline.gemini.release("later")
    await pipeline.gemini.release(held)
    assert len((await pipeline.result(job))["said"]) == 3 + applies
    assert (await pipeline.outcomes(job))["patch-extra"].value is applies
    assert await paid(pipeline, job) == ["alpha", *["extra"] * applies, "beta", "gamma"]


async def test_a_job_that_waits_is_past_what_comes_before_its_wait(pipeline: Pipeline) -> None:
    """What was asked of a person counts as asked, whatever the pattern asks now."""
    await pipeline.stop("aggregator")
    aggregator = await pipeline.start("aggregator", patterns=only("WAITING"))
    job = await pipeline.submit("changing", {})
    async with asyncio.timeout(PATIENCE), aclosing(pipeline.following(job)) as events:
        async for event in events:
            if event.type == "job.waiting":
                break
    await aggregator.stop(grace=0)
    await pipeline.start("aggregator", patterns=only("ASKING_AGAIN"))
    await jobs.signal(pipeline.bus, load(only("ASKING_AGAIN")), named(job), "word", b'{"word": "tide"}')
    assert (await pipeline.result(job))["said"] == ["tide"]


async def decided(pipeline: Pipeline, job: str) -> None:
    facts = await pipeline.bus.connection.subscribe(subjects.fact(named(job), "patch-extra"))
    if "patch-extra" not in await pipeline.outcomes(job):
        await facts.next_msg(60)
    await facts.unsubscribe()


@pytest.mark.long
@pytest.mark.long
async def test_aggregators_of_two_versions_are_killed(pipeline: Pipeline, tmp_path: Path) -> None:
    """Processes: the older one comes back, and has all of its jobs again, whoever was given them meanwhile."""
    await pipeline.stop("aggregator")

    def aggregator(version: str) -> Process:
        env = {
            "PENSTOCK_NATS_URL": pipeline.settings.nats_url,
            "PENSTOCK_PORT": "0",
            "PENSTOCK_PATTERNS": only(version)[0],
            "PENSTOCK_ACK_WAIT": "2",
            "PENSTOCK_HANDOVER": "600",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        return Process(version, [*PENSTOCK, "serve", "aggregator"], env=env, log_file=tmp_path / f"{version}.log")

    older, newer = aggregator("ONE"), aggregator("OTHER_INPUT")
    async with AsyncExitStack() as stack:
        for process in (older, newer):
            stack.push_async_callback(process.stop, grace=10)
        await older.start()
        await pipeline.gemini.rule(contains='"beta"', reply={"hold": "beta"})
        running = [await pipeline.submit("changing", {}) for _ in range(6)]
        await pipeline.gemini.wait(held="beta", count=6)
        await newer.start()
        async with pipeline.settlements() as settlements:
            older.kill()
            await settlements.wait_for("NAK", stream=subjects.JOBS)
        newer.kill()
        await pipeline.gemini.release("beta")
        for job in running:
            assert len((await pipeline.result(job))["said"]) == 3
            assert await paid(pipeline, job) == ["alpha", "beta", "gamma"]
