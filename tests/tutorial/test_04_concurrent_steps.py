"""Steps that are called before one is awaited run at the same time; a loop is a loop."""

import asyncio

import pytest

from penstock.contracts.wire import Wire
from penstock.pattern import Pattern, Run
from penstock.patterns.sequential_processing.contract import EvaluateInput
from penstock.settings import Settings
from tests.support.pipeline import Pipeline
from tests.tutorial.writing import DRAFT, EVALUATE, Subjects, settings_with, write


class Texts(Wire):
    texts: tuple[str, ...]


async def both(run: Run, request: Subjects) -> Texts:
    return Texts(texts=tuple(await asyncio.gather(*(write(run, subject) for subject in request.subjects))))


async def until_good(run: Run, request: Subjects) -> Texts:
    """Writes about one subject again and again, until the evaluator finds it clear."""
    (subject,) = request.subjects
    texts: list[str] = []
    while True:
        texts.append(await write(run, f"{subject}, version {len(texts) + 1}", into=f"/texts/{len(texts)}"))
        verdict = await run.step(EVALUATE, EvaluateInput(input=subject, content=texts[-1]))
        if verdict.clarity >= 8:
            run.close("/texts")
            return Texts(texts=tuple(texts))


BOTH = Pattern(
    name="both", summary="", run=both, request=Subjects, result=Texts, steps=(DRAFT,), example=Subjects(subjects=("a",))
)
UNTIL_GOOD = Pattern(
    name="until-good",
    summary="",
    run=until_good,
    request=Subjects,
    result=Texts,
    steps=(DRAFT, EVALUATE),
    example=Subjects(subjects=("a",)),
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings_with(settings, f"{__name__}:BOTH", f"{__name__}:UNTIL_GOOD")


async def test_two_steps_called_together_overlap(pipeline: Pipeline) -> None:
    """Neither is let go before both are under way."""
    await pipeline.gemini.rule(step="draft", reply={"hold": "both"})
    job = await pipeline.submit("both", {"subjects": ["tides", "dunes"]})
    await pipeline.gemini.wait(held="both", count=2)
    await pipeline.gemini.release("both")
    assert len((await pipeline.result(job))["texts"]) == 2
    assert (await pipeline.gemini.stats()).peak_running == 2


async def test_a_loop_goes_on_until_its_condition_holds(pipeline: Pipeline) -> None:
    """Each turn is steps of their own, numbered on."""
    await pipeline.gemini.rule(step="evaluate", times=2, reply={"merge": {"clarity": 4}})
    await pipeline.gemini.rule(step="evaluate", reply={"merge": {"clarity": 9}})
    job = await pipeline.submit("until-good", {"subjects": ["tides"]})
    assert len((await pipeline.result(job))["texts"]) == 3
    assert sorted(await pipeline.outcomes(job)) == [
        *(f"draft-{number}" for number in (1, 2, 3)),
        *(f"evaluate-{number}" for number in (1, 2, 3)),
    ]
