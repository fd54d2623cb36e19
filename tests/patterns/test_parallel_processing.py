"""Parallel processing: three reviews at once, drawn together; one may be missing where the caller allows it."""

from itertools import permutations
from typing import Any

import pytest

from penstock.contracts.events import JobCompleted, StepEvent
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATTERN = "parallel-processing"
CODE = "def find(db, name):\n    return db.execute(name)\n"
REVIEWS = {
    "security": {
        "score": 3,
        "vulnerabilities": [{"type": "SQL injection", "severity": "critical", "description": "Any name is run."}],
        "recommendations": ["Bind parameters"],
    },
    "performance": {"score": 8, "issues": [], "optimizations": ["Index the name"]},
    "maintainability": {"score": 6, "codeSmells": ["No types"], "suggestions": ["Add types"], "complexity": "low"},
}
STEPS = {aspect: f"review-{aspect}" for aspect in REVIEWS}
REFUSED = {"status": 400}


def request(**options: bool) -> dict[str, Any]:
    return {"code": CODE, "options": options}


async def test_the_three_reviews_run_at_once_and_their_parts_interleave(pipeline: Pipeline) -> None:
    """All three are held after their first words: none waits for another, and the caller sees each begin."""
    for aspect, step in STEPS.items():
        await pipeline.gemini.rule(step=step, reply={"json": REVIEWS[aspect], "hold": "reviews"})
    job = await pipeline.submit(PATTERN, request())
    held = await pipeline.gemini.wait(job=job, held="reviews", count=3)
    assert {call.step for call in held} == set(STEPS.values())
    await pipeline.gemini.release("reviews")
    events = [event for event in await pipeline.events(job) if isinstance(event, StepEvent)]
    places = {step: [n for n, event in enumerate(events) if event.k == f"{step}-1"] for step in STEPS.values()}
    for one, other in permutations(places.values(), 2):
        assert one[0] < other[-1]


async def test_the_synthesis_knows_the_reviews_and_types_none_of_them_again(pipeline: Pipeline) -> None:
    for aspect, step in STEPS.items():
        await pipeline.gemini.rule(step=step, reply={"json": REVIEWS[aspect]})
    job = await pipeline.submit(PATTERN, request())
    result = await pipeline.result(job)
    assert {aspect: result[aspect] for aspect in REVIEWS} == REVIEWS
    (synthesize,) = await pipeline.gemini.calls(job=job, step="synthesize")
    for finding in ("SQL injection", "Bind parameters", "Index the name", "No types", "Add types"):
        assert finding in synthesize.prompt
    assert "There is no review" not in synthesize.prompt
    assert synthesize.schema_properties == ["overallScore", "summary", "prioritizedActions"]
    assert synthesize.model == pipeline.settings.complex_models[0]


async def test_each_reviewer_reads_the_code_with_its_own_eyes(pipeline: Pipeline) -> None:
    job = await pipeline.submit(PATTERN, request())
    await pipeline.result(job)
    for aspect, words in (
        ("security", "for security, and for nothing else"),
        ("performance", "for performance, and for nothing else"),
        ("maintainability", "who will have to change it in a year"),
    ):
        (review,) = await pipeline.gemini.calls(job=job, step=STEPS[aspect])
        assert words in review.prompt
        assert CODE in review.prompt


@pytest.mark.parametrize("aspect", STEPS)
async def test_a_review_that_fails_for_good_fails_the_job_with_its_code(pipeline: Pipeline, aspect: str) -> None:
    await pipeline.gemini.rule(step=STEPS[aspect], fault=REFUSED)
    job = await pipeline.submit(PATTERN, request())
    problem = (await pipeline.failure(job)).problem
    assert (problem.code, problem.step) == ("model_rejected", f"review-{aspect}-1")
    assert await pipeline.gemini.calls(job=job, step="synthesize") == []


@pytest.mark.parametrize("missing", [("security",), ("performance", "maintainability")])
async def test_where_the_caller_allows_it_a_missing_review_is_null_and_named(
    pipeline: Pipeline, missing: tuple[str, ...]
) -> None:
    """`job.completed` names what is missing, and the synthesis is told not to guess it."""
    for aspect in missing:
        await pipeline.gemini.rule(step=STEPS[aspect], fault=REFUSED)
    job = await pipeline.submit(PATTERN, request(allowPartial=True))
    end = (await pipeline.events(job))[-1]
    assert isinstance(end, JobCompleted)
    assert set(end.missing) == set(missing)
    assert {aspect for aspect in STEPS if end.result[aspect] is None} == set(missing)
    (synthesize,) = await pipeline.gemini.calls(job=job, step="synthesize")
    assert f'There is no review of "{" and none of ".join(sorted(missing))}".' in synthesize.prompt


async def test_without_any_review_there_is_nothing_to_draw_together(pipeline: Pipeline) -> None:
    """Also a caller who allows partial results gets a failure then, not an empty success."""
    for step in STEPS.values():
        await pipeline.gemini.rule(step=step, fault=REFUSED)
    job = await pipeline.submit(PATTERN, request(allowPartial=True))
    assert (await pipeline.failure(job)).problem.code == "model_rejected"
    assert await pipeline.gemini.calls(job=job, step="synthesize") == []
