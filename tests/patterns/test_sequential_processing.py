"""Sequential processing: draft, evaluate, and a second round only where the first score is below 7."""

from contextlib import aclosing
from typing import Any

import pytest

from penstock.contracts.events import Delta, PartValue
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATTERN = "sequential-processing"
BRIEF = "A solar lantern for campers"
REQUEST: dict[str, Any] = {"input": BRIEF}


def verdict(score: float, feedback: str = "Sound.", *improvements: str) -> dict[str, Any]:
    return {"json": {"score": score, "feedback": feedback, "improvements": improvements}}


async def steps_asked(pipeline: Pipeline, job: str) -> list[str | None]:
    return [call.step for call in await pipeline.gemini.calls(job=job)]


async def test_a_draft_that_scores_seven_stays_as_it_is(pipeline: Pipeline) -> None:
    """Two model calls, and no `improvedContent` in the result."""
    await pipeline.gemini.rule(step="draft", reply={"text": "Light in two hours."})
    await pipeline.gemini.rule(step="evaluate", reply=verdict(7))
    job = await pipeline.submit(PATTERN, REQUEST)
    assert await pipeline.result(job) == {
        "originalContent": "Light in two hours.",
        "evaluation": {"score": 7, "feedback": "Sound.", "improvements": []},
        "finalScore": 7,
        "processingSteps": ["draft", "evaluate: 7/10"],
    }
    assert await steps_asked(pipeline, job) == ["draft", "evaluate"]


async def test_a_weaker_draft_is_improved_and_evaluated_again(pipeline: Pipeline) -> None:
    """The second score is final, and the steps are those that were really taken."""
    await pipeline.gemini.rule(step="draft", reply={"text": "A lantern."})
    await pipeline.gemini.rule(step="improve", reply={"text": "Light in two hours."})
    await pipeline.gemini.rule(step="evaluate", times=1, reply=verdict(6.9, "Too short."))
    await pipeline.gemini.rule(step="evaluate", reply=verdict(8.5))
    job = await pipeline.submit(PATTERN, REQUEST)
    result = await pipeline.result(job)
    assert (result["originalContent"], result["improvedContent"]) == ("A lantern.", "Light in two hours.")
    assert (result["evaluation"]["score"], result["finalScore"]) == (6.9, 8.5)
    assert result["processingSteps"] == ["draft", "evaluate: 6.9/10", "improve", "evaluate: 8.5/10"]
    assert await steps_asked(pipeline, job) == ["draft", "evaluate", "improve", "evaluate"]


async def test_the_final_score_is_told_even_if_the_improvement_made_it_worse(pipeline: Pipeline) -> None:
    await pipeline.gemini.rule(step="evaluate", times=1, reply=verdict(6))
    await pipeline.gemini.rule(step="evaluate", reply=verdict(4.5))
    result = await pipeline.run(PATTERN, REQUEST)
    assert (result["evaluation"]["score"], result["finalScore"]) == (6, 4.5)


async def test_the_improvement_is_written_from_the_draft_and_its_review(pipeline: Pipeline) -> None:
    await pipeline.gemini.rule(step="draft", reply={"text": "A lantern."})
    await pipeline.gemini.rule(step="evaluate", times=1, reply=verdict(3, "Says nothing.", "Name the price", "Be warm"))
    job = await pipeline.submit(PATTERN, REQUEST)
    await pipeline.result(job)
    (improve,) = await pipeline.gemini.calls(job=job, step="improve")
    for part in (BRIEF, "A lantern.", "3.0 of 10", "Says nothing.", '- "Name the price"', '- "Be warm"'):
        assert part in improve.prompt
    first, second = await pipeline.gemini.calls(job=job, step="evaluate")
    assert "This is the first draft" in first.prompt
    assert "This is the improved version" in second.prompt


async def test_writing_is_for_the_complex_tier_and_judging_for_the_fast_one(pipeline: Pipeline) -> None:
    await pipeline.gemini.rule(step="evaluate", reply=verdict(5))
    job = await pipeline.submit(PATTERN, REQUEST)
    await pipeline.result(job)
    models = {call.step: call.model for call in await pipeline.gemini.calls(job=job)}
    settings = pipeline.settings
    assert models["draft"] == models["improve"] == settings.complex_models[0]
    assert models["evaluate"] == settings.fast_models[0]


async def test_the_callers_first_words_are_those_of_the_draft_while_it_is_written(pipeline: Pipeline) -> None:
    """The draft is held after its first words: they are with the caller all the same."""
    await pipeline.gemini.rule(step="draft", reply={"text": "Light in two hours, for a whole night.", "hold": "draft"})
    job = await pipeline.submit(PATTERN, REQUEST)
    async with aclosing(pipeline.following(job)) as events:
        event = await anext(event async for event in events if isinstance(event, Delta | PartValue))
    assert isinstance(event, Delta)
    assert event.p == "/originalContent"
    assert [call.status for call in await pipeline.gemini.calls(job=job)] == ["running"]
    await pipeline.gemini.release("draft")
    await pipeline.result(job)
