"""Evaluator-optimizer: round and round, until the evaluator is content or the iterations are spent or gain nothing."""

from typing import Any

import pytest

from tests.patterns.reviews import error, translation_review
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATTERN = "evaluator-optimizer"
TEXT = "Either party may end this agreement."
#: What a critic may find in a short text, and the score that follows.
MINOR, MAJOR, CRITICAL = error("minor", "style"), error("major"), error("critical")
CLEAN: tuple[dict[str, Any], ...] = ()
S10, S96, S84, S8, S76, S6, S5 = CLEAN, (MINOR,), (MINOR,) * 4, (MAJOR,), (MAJOR, MINOR), (MAJOR,) * 2, (CRITICAL,)


def request(**options: float) -> dict[str, Any]:
    return {
        "text": TEXT,
        "targetLanguage": "French",
        "domain": "contract law",
        "options": options,
    }


async def finds(pipeline: Pipeline, *found: tuple[dict[str, Any], ...]) -> None:
    """Have the translations called `version 1`, `version 2` … and this found in them, in this order."""
    await pipeline.gemini.rule(step="translate", reply={"text": "version 1"})
    for number, errors in enumerate(found, start=1):
        review = translation_review(*errors, feedback=f"Remark {number}.")
        await pipeline.gemini.rule(step="evaluate-translation", times=1, reply={"json": review})
        await pipeline.gemini.rule(step="improve-translation", times=1, reply={"text": f"version {number + 1}"})


async def prefers(pipeline: Pipeline, one: str, other: str) -> None:
    """What is said of the two best: the better-scored one first, then the other way round."""
    for number, better in enumerate((one, other), start=1):
        reply = {"json": {"reason": "Clearer.", "better": better}}
        await pipeline.gemini.rule(key=f"compare-translations-{number}", reply=reply)


def scores_of(result: dict[str, Any]) -> list[float]:
    return [one["evaluation"]["score"] for one in result["iterations"]]


@pytest.mark.parametrize("found", [S10, S96])
async def test_a_translation_that_reaches_the_target_is_not_improved(pipeline: Pipeline, found: Any) -> None:
    """8.5 is enough, where the caller asks for nothing else; that nothing is wrong is an answer."""
    await finds(pipeline, found)
    job = await pipeline.submit(PATTERN, request())
    result = await pipeline.result(job)
    assert (result["finalTranslation"], result["accepted"]) == ("version 1", True)
    assert [one["iteration"] for one in result["iterations"]] == [1]
    asked = {call.step for call in await pipeline.gemini.calls(job=job)}
    assert asked == {"translate", "evaluate-translation", "explain"}


async def test_it_stops_as_soon_as_the_evaluator_is_content(pipeline: Pipeline) -> None:
    await finds(pipeline, S6, S96, S10)
    result = await pipeline.run(PATTERN, request())
    assert scores_of(result) == [6, 9.6]
    assert (result["finalTranslation"], result["accepted"]) == ("version 2", True)


async def test_after_three_iterations_the_best_is_returned_and_no_success_is_claimed(pipeline: Pipeline) -> None:
    """The budget ran out: `accepted` is false, and the explanation is asked to say so."""
    await finds(pipeline, S5, S84, S76)
    job = await pipeline.submit(PATTERN, request())
    result = await pipeline.result(job)
    assert [one["translation"] for one in result["iterations"]] == ["version 1", "version 2", "version 3"]
    assert (result["finalTranslation"], result["finalScore"], result["accepted"]) == ("version 2", 8.4, False)
    (explain,) = await pipeline.gemini.calls(job=job, step="explain")
    assert "Version 2 was chosen." in explain.prompt
    assert "none reached the target" in explain.prompt


@pytest.mark.parametrize(
    ("options", "given", "made", "accepted"),
    [
        ({"targetScore": 6}, (S6, S10), 1, True),
        ({"targetScore": 9.9}, (S76, S96, S8), 3, False),
        ({"maxIterations": 1}, (S5, S10), 1, False),
        ({"maxIterations": 5}, (S5, S6, S76, S8, S96), 5, True),
    ],
)
async def test_the_caller_may_raise_or_lower_target_and_budget(
    pipeline: Pipeline, options: dict[str, float], given: tuple[Any, ...], made: int, accepted: bool
) -> None:
    await finds(pipeline, *given)
    result = await pipeline.run(PATTERN, request(**options))
    assert (len(result["iterations"]), result["accepted"]) == (made, accepted)


@pytest.mark.parametrize("options", [{"targetScore": 11}, {"maxIterations": 0}, {"maxIterations": 11}])
async def test_options_beyond_the_limits_are_refused(pipeline: Pipeline, options: dict[str, float]) -> None:
    job = await pipeline.submit(PATTERN, request(**options))
    problem = (await pipeline.failure(job)).problem
    assert problem.code == "invalid_request"
    assert [error.pointer for error in problem.errors or ()] == [f"/options/{name}" for name in options]
    assert await pipeline.gemini.calls(job=job) == []


@pytest.mark.parametrize("given", [(S8, S76, S8), (S5, S8, S8, S8), (S5, S6, S76, S8, S84, S84)], ids=len)
async def test_it_stops_when_two_rounds_together_gain_less_than_half_a_point(
    pipeline: Pipeline, given: tuple[Any, ...]
) -> None:
    """A plateau costs no further rounds, whatever the budget."""
    await finds(pipeline, *given, S10)
    assert len((await pipeline.run(PATTERN, request(maxIterations=10)))["iterations"]) == len(given)


async def test_the_best_translation_is_improved_by_its_own_errors_and_not_the_last(pipeline: Pipeline) -> None:
    """The second version is worse, so the third is made from the first."""
    wrong = error("major", quote="version 1", to="text 1")
    await finds(pipeline, (wrong,), S5, S76)
    job = await pipeline.submit(PATTERN, request())
    await pipeline.result(job)
    improvements = await pipeline.gemini.calls(job=job, step="improve-translation")
    assert len(improvements) == 2
    for improve in improvements:
        for part in (TEXT, "contract law", "Remark 1.", '- "major" ("accuracy"): "version 1" should be "text 1"'):
            assert part in improve.prompt
        assert "version 2" not in improve.prompt


@pytest.mark.parametrize(
    ("one", "other", "final"),
    [
        ("second", "first", "version 1"),
        ("first", "second", "version 2"),
        ("first", "first", "version 2"),
        ("second", "second", "version 2"),
        ("second", "neither", "version 2"),
        ("neither", "neither", "version 2"),
    ],
)
async def test_of_two_that_are_close_the_one_preferred_in_both_orders_is_taken(
    pipeline: Pipeline, one: str, other: str, final: str
) -> None:
    """8.0 and 8.4: who answers by the place of a text is not heard, and then the scores decide."""
    await finds(pipeline, S8, S84)
    await prefers(pipeline, one, other)
    job = await pipeline.submit(PATTERN, request(maxIterations=2))
    result = await pipeline.result(job)
    assert (result["finalTranslation"], result["finalScore"]) == (final, 8.0 if final == "version 1" else 8.4)
    first, second = sorted(await pipeline.gemini.calls(job=job, step="compare-translations"), key=lambda call: call.id)
    places = {call.key: call.prompt.index("version 1") < call.prompt.index("version 2") for call in (first, second)}
    assert places == {"compare-translations-1": False, "compare-translations-2": True}
    (explain,) = await pipeline.gemini.calls(job=job, step="explain")
    assert ("it was preferred" in explain.prompt) == ({one, other} == {"first", "second"})


async def test_where_the_least_score_hides_it_fewer_errors_are_better(pipeline: Pipeline) -> None:
    """Each version is made from the one before it, none of which stalled, and the best is the answer."""
    await finds(pipeline, *((error(),) * many for many in (9, 7, 5, 5)))
    await prefers(pipeline, "neither", "neither")
    job = await pipeline.submit(PATTERN, request(maxIterations=4))
    result = await pipeline.result(job)
    assert scores_of(result) == [1] * 4
    made_of = [call.prompt for call in await pipeline.gemini.calls(job=job, step="improve-translation")]
    assert [f"version {number}" in prompt for number, prompt in enumerate(made_of, 1)] == [True] * 3
    assert result["finalTranslation"] == "version 3"


async def test_of_equal_scores_the_earliest_is_taken_where_no_preference_is_clear(pipeline: Pipeline) -> None:
    await finds(pipeline, S8, S8, S8)
    await prefers(pipeline, "neither", "neither")
    assert (await pipeline.run(PATTERN, request()))["finalTranslation"] == "version 1"


@pytest.mark.parametrize("given", [(S6, S8), (S84, (MINOR,) * 3)])
async def test_what_is_not_close_or_alone_reaches_the_target_is_not_compared(pipeline: Pipeline, given: Any) -> None:
    await finds(pipeline, *given)
    job = await pipeline.submit(PATTERN, request(maxIterations=2))
    assert (await pipeline.result(job))["finalTranslation"] == "version 2"
    assert await pipeline.gemini.calls(job=job, step="compare-translations") == []


async def test_scores_are_computed_and_never_asked_for(pipeline: Pipeline) -> None:
    """Errors first; the scores and issues of the guide follow from them, each in its own part of the result."""
    term = error("minor", "terminology", quote="version", to="avenant")
    missing = error("major", "omission", quote="Either\nparty", to="Either\nparty")  # a name may stay as it is
    await finds(pipeline, (missing, term))
    job = await pipeline.submit(PATTERN, request(maxIterations=1))
    (one,) = (await pipeline.result(job))["iterations"]
    assert one["evaluation"] == {
        "errors": [missing, term],
        "feedback": "Remark 1.",
        "specificIssues": [
            'major (omission): "Either\nparty" should be "Either\nparty"',
            'minor (terminology): "version" should be "avenant"',
        ],
        "accuracy": 8,
        "naturalness": 10,
        "domainAppropriate": 9.6,
        "score": 7.6,
    }
    (evaluate,) = await pipeline.gemini.calls(job=job, step="evaluate-translation")
    assert evaluate.schema_properties == ["errors", "feedback"]
    assert "An empty list is the right answer" in evaluate.prompt


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (error(quote="Les deux parties"), "'Les deux parties' does not stand in the translation"),
        (error(quote="Either party"), "'Either party' does not stand in the translation"),
        (error(category="omission"), "'version' does not stand in the original"),
        (error(quote=" "), "'' does not stand in the translation"),
        (error(to="version"), "'version' is its own correction"),
    ],
    ids=lambda one: "" if isinstance(one, dict) else one,
)
async def test_an_error_that_is_not_there_is_sent_back_to_the_critic(
    pipeline: Pipeline, wrong: dict[str, Any], told: str
) -> None:
    await finds(pipeline, (wrong,), CLEAN)
    job = await pipeline.submit(PATTERN, request(maxIterations=1))
    assert scores_of(await pipeline.result(job)) == [10]
    _, again = await pipeline.gemini.calls(job=job, step="evaluate-translation")
    assert told.replace("'", '"') in again.prompt


async def test_the_explanation_is_made_from_the_errors_without_the_translations(pipeline: Pipeline) -> None:
    """They are long, and the result has them."""
    await finds(pipeline, S6, S96)
    job = await pipeline.submit(PATTERN, request())
    await pipeline.result(job)
    (explain,) = await pipeline.gemini.calls(job=job, step="explain")
    assert "Version 1 scored 6.0." in explain.prompt
    (improve,) = await pipeline.gemini.calls(job=job, step="improve-translation")
    assert 'all of it, in "French".' in improve.prompt, "the first material in it is the field"
    assert 'in the language in which the client says\n"French" and "contract law"' in explain.prompt
    for evaluate in await pipeline.gemini.calls(job=job, step="evaluate-translation"):
        assert 'in the language in which the client\nsays "French" and "contract law"' in evaluate.prompt
    assert "Version 2 scored 9.6." in explain.prompt
    assert '- "minor" ("style"): "version" should be "text"' in explain.prompt
    assert not any(part in explain.prompt for part in ("version 1", "version 2", TEXT))


async def test_the_simulator_shows_a_translation_that_is_improved(pipeline: Pipeline) -> None:
    """What a newcomer sees without a key: errors found, quoted, and gone in the second version."""
    result = await pipeline.run(PATTERN, request())
    first, second = result["iterations"]
    assert all(one["quote"] in first["translation"] for one in first["evaluation"]["errors"])
    assert first["evaluation"]["score"] < 8.5 < second["evaluation"]["score"]
    assert (result["finalTranslation"], result["accepted"]) == (second["translation"], True)
