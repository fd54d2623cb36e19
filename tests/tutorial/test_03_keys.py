"""A step's key is fixed when `run.step` is called, so a replay finds its outcome whatever finished first."""

import asyncio

import pytest

from penstock.contracts.options import PatternRequest
from penstock.contracts.wire import Wire
from penstock.pattern import Pattern, Run
from penstock.settings import Settings
from tests.support.pipeline import Pipeline
from tests.tutorial.writing import DRAFT, Subjects, calls_about, settings_with, write


class Texts(Wire):
    texts: tuple[str, ...]


async def pair(run: Run, request: Subjects) -> Texts:
    """Both steps are called before either is awaited."""
    return Texts(texts=tuple(await asyncio.gather(*(write(run, subject) for subject in request.subjects))))


async def branches(run: Run, request: Subjects) -> Texts:
    """Each branch has two steps. Which branch comes to its second first is chance: so the keys have names."""

    async def branch(subject: str) -> str:
        first = await write(run, subject, key=f"{subject}-plan")
        return await write(run, f"{subject} again, after {len(first)} characters", key=f"{subject}-text")

    return Texts(texts=tuple(await asyncio.gather(*map(branch, request.subjects))))


class Key(PatternRequest):
    key: str


async def named(run: Run, request: Key) -> Texts:
    return Texts(texts=(await write(run, "one", key=request.key), await write(run, "two", key=request.key)))


PAIR = Pattern(
    name="pair", summary="", run=pair, request=Subjects, result=Texts, steps=(DRAFT,), example=Subjects(subjects=("a",))
)
BRANCHES = Pattern(
    name="branches", summary="", run=branches, request=Subjects, result=Texts, steps=(DRAFT,), example=Subjects()
)
NAMED = Pattern(name="named", summary="", run=named, request=Key, result=Texts, steps=(DRAFT,), example=Key(key="k"))


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings_with(settings, f"{__name__}:PAIR", f"{__name__}:BRANCHES", f"{__name__}:NAMED")


async def test_keys_follow_the_order_of_calls_not_of_completion(pipeline: Pipeline) -> None:
    """The second step finishes first, the run is replayed in between: each result is at its own place."""
    await pipeline.gemini.rule(contains="slow harbour", reply={"text": "about the harbour", "hold": "harbour"})
    await pipeline.gemini.rule(contains="quick river", reply={"text": "about the river"})
    async with pipeline.settlements() as settlements:
        job = await pipeline.submit("pair", {"subjects": ["slow harbour", "quick river"]})
        await pipeline.gemini.wait(held="harbour")
        await settlements.wait_for("ACK")
    await pipeline.stop("aggregator", grace=0)
    await pipeline.start("aggregator")
    await pipeline.gemini.release("harbour")

    assert await pipeline.result(job) == {"texts": ["about the harbour", "about the river"]}
    values = {key: outcome.value for key, outcome in (await pipeline.outcomes(job)).items()}
    assert values == {"draft-1": "about the harbour", "draft-2": "about the river"}
    assert await calls_about(pipeline.gemini, "slow harbour", "quick river") == {"slow harbour": 1, "quick river": 1}


async def test_named_keys_are_the_same_in_every_replay_of_concurrent_branches(pipeline: Pipeline) -> None:
    """Branch `b` has done both its steps before `a` has done its first; the replay sees `a` done at once."""
    await pipeline.gemini.rule(contains="alder", times=1, reply={"hold": "alder"})
    async with pipeline.settlements() as settlements:
        job = await pipeline.submit("branches", {"subjects": ["alder", "birch"]})
        await pipeline.gemini.wait(held="alder")
        await settlements.wait_for("ACK", 2)
    await pipeline.stop("aggregator", grace=0)
    await pipeline.gemini.release("alder")
    await pipeline.start("aggregator")

    await pipeline.result(job)
    assert set(await pipeline.outcomes(job)) == {"alder-plan", "alder-text", "birch-plan", "birch-text"}
    assert len(await pipeline.gemini.calls(job=job)) == 4


@pytest.mark.parametrize("key", ["same", "end", "start", "a.b", "white space", "x" * 65])
async def test_a_key_that_is_taken_reserved_or_no_token_is_an_error_of_the_pattern(
    pipeline: Pipeline, key: str
) -> None:
    """The job fails with `pattern_error`; the service lives on."""
    failed = await pipeline.failure(await pipeline.submit("named", {"key": key}))
    assert failed.problem.code == "pattern_error"
