"""Sequential processing: draft, evaluate, and a second round only where the first score is below 7."""

from contextlib import aclosing
from typing import Any

import pytest

from penstock.contracts.events import Delta, PartValue
from tests.patterns.reviews import copy_review
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATTERN = "sequential-processing"
BRIEF = "A solar lantern for campers"
REQUEST: dict[str, Any] = {"input": BRIEF}


async def steps_asked(pipeline: Pipeline, job: str) -> list[str | None]:
    return [call.step for call in await pipeline.gemini.calls(job=job)]


async def texts_and_reviews(pipeline: Pipeline, first: dict[str, Any], second: dict[str, Any]) -> None:
    await pipeline.gemini.rule(step="draft", reply={"text": "A lantern."})
    await pipeline.gemini.rule(step="improve", reply={"text": "Light in two hours."})
    await pipeline.gemini.rule(step="evaluate", times=1, reply={"json": first})
    await pipeline.gemini.rule(step="evaluate", reply={"json": second})


async def test_a_draft_that_scores_seven_stays_as_it_is(pipeline: Pipeline) -> None:
    """Two model calls, and no `improvedContent` in the result."""
    await pipeline.gemini.rule(step="draft", reply={"text": "Light in two hours."})
    await pipeline.gemini.rule(step="evaluate", reply={"json": copy_review(7)})
    job = await pipeline.submit(PATTERN, REQUEST)
    assert await pipeline.result(job) == {
        "originalContent": "Light in two hours.",
        "evaluation": {**copy_review(7), "score": 7},
        "finalContent": "Light in two hours.",
        "finalScore": 7,
        "processingSteps": ["draft", "evaluate: 7/10"],
    }
    assert await steps_asked(pipeline, job) == ["draft", "evaluate"]


async def test_a_weaker_draft_is_improved_and_evaluated_again(pipeline: Pipeline) -> None:
    """The better text is the answer, and the steps are those that were really taken."""
    await texts_and_reviews(pipeline, copy_review(6.9, "Too short."), copy_review(8.5))
    job = await pipeline.submit(PATTERN, REQUEST)
    result = await pipeline.result(job)
    assert (result["originalContent"], result["improvedContent"]) == ("A lantern.", "Light in two hours.")
    assert (result["evaluation"]["score"], result["improvedEvaluation"]["score"]) == (6.9, 8.5)
    assert (result["finalContent"], result["finalScore"]) == ("Light in two hours.", 8.5)
    assert result["processingSteps"] == ["draft", "evaluate: 6.9/10", "improve", "evaluate: 8.5/10"]
    assert await steps_asked(pipeline, job) == ["draft", "evaluate", "improve", "evaluate"]


@pytest.mark.parametrize("score", [6, 4.5])
async def test_a_rewrite_that_is_no_better_is_not_the_answer(pipeline: Pipeline, score: float) -> None:
    """It is shown all the same, with what was found in it."""
    await texts_and_reviews(pipeline, copy_review(6), copy_review(score))
    result = await pipeline.run(PATTERN, REQUEST)
    assert (result["finalContent"], result["finalScore"]) == ("A lantern.", 6)
    assert (result["improvedContent"], result["improvedEvaluation"]["score"]) == ("Light in two hours.", score)


async def test_a_claim_that_the_brief_does_not_make_is_a_major_fault(pipeline: Pipeline) -> None:
    """However well the rest reads: 5 at most, and the rewrite is asked to do without it."""
    await texts_and_reviews(pipeline, copy_review(9.5, unsupported="A  lantern."), copy_review(6))
    job = await pipeline.submit(PATTERN, REQUEST)
    result = await pipeline.result(job)
    assert (result["evaluation"]["score"], result["finalContent"]) == (5, "Light in two hours.")
    (improve,) = await pipeline.gemini.calls(job=job, step="improve")
    assert '- "A  lantern.": "The brief names no such thing."' in improve.prompt


@pytest.mark.parametrize("left", [0, 1])
async def test_of_equal_scores_the_text_with_fewer_unsupported_claims_is_the_answer(
    pipeline: Pipeline, left: int
) -> None:
    """The cap makes them equal, and the draft is not kept for that."""
    claims = copy_review(9, unsupported="A  lantern.")
    twice = {**claims, "unsupportedClaims": claims["unsupportedClaims"] * 2}
    kept = {**claims, "unsupportedClaims": [{"quote": "two hours", "reason": "Not in the brief."}]}
    await texts_and_reviews(pipeline, twice, kept if left else copy_review(5))
    result = await pipeline.run(PATTERN, REQUEST)
    assert (result["evaluation"]["score"], result["finalContent"], result["finalScore"]) == (
        5,
        "Light in two hours.",
        5,
    )


async def test_a_claim_that_the_copy_does_not_make_is_sent_back_to_the_critic(pipeline: Pipeline) -> None:
    await texts_and_reviews(pipeline, copy_review(9, unsupported="Tested by NASA"), copy_review(9))
    job = await pipeline.submit(PATTERN, REQUEST)
    assert (await pipeline.result(job))["evaluation"]["unsupportedClaims"] == []
    _, again = await pipeline.gemini.calls(job=job, step="evaluate")
    assert '"Tested by NASA" does not stand in the copy' in again.prompt


async def test_the_score_is_no_opinion_but_follows_from_what_was_found(pipeline: Pipeline) -> None:
    """The model is asked for evidence first, and never for the score: a 9 with sub-scores of 3 cannot be."""
    review = {**copy_review(3), "callToAction": 4}
    await texts_and_reviews(pipeline, review, {**copy_review(9), "callToAction": 8.25})
    job = await pipeline.submit(PATTERN, REQUEST)
    result = await pipeline.result(job)
    assert (result["evaluation"]["score"], result["finalScore"]) == (3.25, 8.81)
    evaluate, _ = await pipeline.gemini.calls(job=job, step="evaluate")
    assert evaluate.schema_properties == list(review)
    assert list(result["evaluation"]) == [*review, "score"]


async def test_the_critic_does_not_know_that_it_sees_a_rewrite(pipeline: Pipeline) -> None:
    """Its two prompts differ in the text alone, and say what a 4, a 7 and a 9 are."""
    await texts_and_reviews(pipeline, copy_review(5), copy_review(8))
    job = await pipeline.submit(PATTERN, REQUEST)
    await pipeline.result(job)
    first, second = await pipeline.gemini.calls(job=job, step="evaluate")
    assert first.prompt.replace("A lantern.", "Light in two hours.") == second.prompt
    assert all(f"{anchor}: " in first.prompt for anchor in (4, 7, 9))


async def test_the_improvement_is_written_from_the_draft_and_its_review(pipeline: Pipeline) -> None:
    """Neither it nor the draft may claim more than the brief does; language and length are the brief's."""
    weak = copy_review(3, "Says nothing.", "Name the price", "Be warm")
    await texts_and_reviews(pipeline, weak, copy_review(8))
    job = await pipeline.submit(PATTERN, REQUEST)
    await pipeline.result(job)
    (improve,) = await pipeline.gemini.calls(job=job, step="improve")
    for part in (BRIEF, "A lantern.", "Says nothing.", '- "Name the price"', '- "Be warm"'):
        assert part in improve.prompt
    (draft,) = await pipeline.gemini.calls(job=job, step="draft")
    assert "language of the brief and about 120 words, unless the brief asks for something else" in draft.prompt
    for writer in (draft, improve):
        assert "claim nothing that the brief does not say" in " ".join(writer.prompt.split())


async def test_writing_is_for_the_complex_tier_and_judging_for_the_fast_one(pipeline: Pipeline) -> None:
    await pipeline.gemini.rule(step="evaluate", reply={"json": copy_review(5)})
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


async def test_the_simulator_shows_a_first_draft_that_is_improved(pipeline: Pipeline) -> None:
    """What a newcomer sees without a key: a fault found, quoted, and removed."""
    result = await pipeline.run(PATTERN, REQUEST)
    (claim, *_) = result["evaluation"]["unsupportedClaims"]
    assert claim["quote"] in result["originalContent"]
    assert result["evaluation"]["score"] < 7 < result["finalScore"]
    assert result["finalContent"] == result["improvedContent"]
