"""Evaluator-optimizer: round and round, until the evaluator is content or the iterations are spent."""

from typing import Any

import pytest

from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATTERN = "evaluator-optimizer"
TEXT = "Either party may end this agreement."


def request(**options: float) -> dict[str, Any]:
    return {
        "text": TEXT,
        "targetLanguage": "French",
        "domain": "contract law",
        "options": options,
    }


async def scores(pipeline: Pipeline, *given: float) -> None:
    """Have the translations called `version 1`, `version 2` … and scored so, in this order."""
    await pipeline.gemini.rule(step="translate", reply={"text": "version 1"})
    for number, score in enumerate(given, start=1):
        evaluation = {"score": score, "feedback": f"Remark {number}.", "specificIssues": [f"Issue {number}"]}
        await pipeline.gemini.rule(step="evaluate-translation", times=1, reply={"merge": evaluation})
        await pipeline.gemini.rule(step="improve-translation", times=1, reply={"text": f"version {number + 1}"})


async def test_a_translation_that_reaches_the_target_is_not_improved(pipeline: Pipeline) -> None:
    """8.5 is enough, where the caller asks for nothing else."""
    await scores(pipeline, 8.5)
    job = await pipeline.submit(PATTERN, request())
    result = await pipeline.result(job)
    assert (result["finalTranslation"], result["finalScore"], result["accepted"]) == ("version 1", 8.5, True)
    assert [one["iteration"] for one in result["iterations"]] == [1]
    assert await pipeline.gemini.calls(job=job, step="improve-translation") == []


async def test_it_stops_as_soon_as_the_evaluator_is_content(pipeline: Pipeline) -> None:
    await scores(pipeline, 6, 9, 10)
    result = await pipeline.run(PATTERN, request())
    assert [one["evaluation"]["score"] for one in result["iterations"]] == [6, 9]
    assert (result["finalTranslation"], result["accepted"]) == ("version 2", True)


async def test_after_three_iterations_the_best_is_returned_and_no_success_is_claimed(pipeline: Pipeline) -> None:
    """The budget ran out: `accepted` is false, and the explanation is asked to say so."""
    await scores(pipeline, 5, 8.4, 7)
    job = await pipeline.submit(PATTERN, request())
    result = await pipeline.result(job)
    assert [one["translation"] for one in result["iterations"]] == ["version 1", "version 2", "version 3"]
    assert (result["finalTranslation"], result["finalScore"], result["accepted"]) == ("version 2", 8.4, False)
    (explain,) = await pipeline.gemini.calls(job=job, step="explain")
    assert "Version 2 was chosen." in explain.prompt
    assert "none reached the target" in explain.prompt


async def test_of_equal_scores_the_earliest_is_taken(pipeline: Pipeline) -> None:
    await scores(pipeline, 7, 7, 7)
    assert (await pipeline.run(PATTERN, request()))["finalTranslation"] == "version 1"


@pytest.mark.parametrize(
    ("options", "given", "made", "accepted"),
    [
        ({"targetScore": 6}, (6, 9), 1, True),
        ({"targetScore": 9.5}, (9, 9.4, 9.3), 3, False),
        ({"maxIterations": 1}, (5, 9), 1, False),
        ({"maxIterations": 5}, (4, 5, 6, 7, 8.6), 5, True),
    ],
)
async def test_the_caller_may_raise_or_lower_target_and_budget(
    pipeline: Pipeline, options: dict[str, float], given: tuple[float, ...], made: int, accepted: bool
) -> None:
    await scores(pipeline, *given)
    result = await pipeline.run(PATTERN, request(**options))
    assert (len(result["iterations"]), result["accepted"]) == (made, accepted)


@pytest.mark.parametrize("options", [{"targetScore": 11}, {"maxIterations": 0}, {"maxIterations": 11}])
async def test_options_beyond_the_limits_are_refused(pipeline: Pipeline, options: dict[str, float]) -> None:
    job = await pipeline.submit(PATTERN, request(**options))
    problem = (await pipeline.failure(job)).problem
    assert problem.code == "invalid_request"
    assert [error.pointer for error in problem.errors or ()] == [f"/options/{name}" for name in options]
    assert await pipeline.gemini.calls(job=job) == []


async def test_an_improvement_is_made_from_the_last_translation_and_what_was_said_of_it(pipeline: Pipeline) -> None:
    await scores(pipeline, 5, 6, 7)
    job = await pipeline.submit(PATTERN, request())
    await pipeline.result(job)
    first, second = await pipeline.gemini.calls(job=job, step="improve-translation")
    for number, improve in ((1, first), (2, second)):
        for part in (TEXT, "contract law", f"version {number}", f"Remark {number}.", f'- "Issue {number}"'):
            assert part in improve.prompt
