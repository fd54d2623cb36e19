"""Parallel processing: three reviews at once, drawn together; one may be missing where the caller allows it."""

from itertools import permutations
from typing import Any

import pytest

from penstock.contracts.events import JobCompleted, StepEvent
from penstock.document import Document
from penstock.patterns.parallel_processing.contract import (
    Findings,
    MaintainabilityFindings,
    ReviewInput,
    SecurityFindings,
)
from penstock.patterns.parallel_processing.places import misplaced, numbered
from penstock.patterns.parallel_processing.scoring import score_of
from tests.patterns.code_reviews import CLEAN, PATTERN, STEPS, action, request, reviewed, synthesis, vulnerability
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLACE = {"line": 2, "fragment": "db.execute(name)"}
REVIEWS: dict[str, dict[str, Any]] = {
    "security": {
        "vulnerabilities": [
            {**PLACE, "type": "SQL injection", "description": "Any name is run.", "severity": "critical"}
        ],
        "recommendations": ["Bind parameters"],
    },
    "performance": {"issues": [], "optimizations": ["Index the name"]},
    "maintainability": {
        "codeSmells": [{"description": "No types", "severity": "medium"}],
        "suggestions": ["Add types"],
        "complexity": "low",
    },
}
REFUSED = {"status": 400}


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


async def test_the_synthesis_knows_the_findings_by_ids_and_types_none_of_them_again(pipeline: Pipeline) -> None:
    await reviewed(pipeline, REVIEWS)
    job = await pipeline.submit(PATTERN, request())
    result = await pipeline.result(job)
    scores = {"security": 3, "performance": 10, "maintainability": 9}
    assert {aspect: result[aspect] for aspect in REVIEWS} == {
        aspect: {**REVIEWS[aspect], "score": score} for aspect, score in scores.items()
    }
    (synthesize,) = await pipeline.gemini.calls(job=job, step="synthesize")
    for known in ("security-1", "maintainability-1", "SQL injection", "Bind parameters", "Index the name", "No types"):
        assert known in synthesize.prompt
    assert "There is no review" not in synthesize.prompt
    assert synthesize.schema_properties == ["summary", "prioritizedActions"]
    assert synthesize.model == pipeline.settings.complex_models[0]


async def test_no_model_gives_a_score_and_a_grave_finding_outweighs_what_is_good(pipeline: Pipeline) -> None:
    """Two reviews of ten points do not make code with a critical fault a good one."""
    await reviewed(pipeline, {**CLEAN, "security": REVIEWS["security"]})
    job = await pipeline.submit(PATTERN, request())
    result = await pipeline.result(job)
    assert [result[aspect]["score"] for aspect in REVIEWS] == [3, 10, 10]
    assert result["overallScore"] == 3
    assert not any(
        "score" in name.lower() for call in await pipeline.gemini.calls(job=job) for name in call.schema_properties
    )


async def test_code_without_a_fault_has_ten_points_and_nothing_to_do(pipeline: Pipeline) -> None:
    await reviewed(pipeline, CLEAN)
    await pipeline.gemini.rule(step="synthesize", reply=synthesis())
    result = await pipeline.run(PATTERN, request())
    assert (result["overallScore"], result["prioritizedActions"]) == (10, [])


def smelling(*severities: str, complexity: str = "low") -> MaintainabilityFindings:
    smells = [{"description": "No types", "severity": severity} for severity in severities]
    return MaintainabilityFindings.model_validate({"codeSmells": smells, "suggestions": [], "complexity": complexity})


def flawed(*severities: str) -> SecurityFindings:
    found = [vulnerability(None, None, severity) for severity in severities]
    return SecurityFindings.model_validate({"vulnerabilities": found, "recommendations": []})


@pytest.mark.parametrize(
    ("found", "score"),
    [
        (flawed("low", "medium"), 8.7),
        (flawed("high"), 6),
        (flawed("high", "high", "high"), 4),
        (flawed("critical"), 3),
        (flawed("critical", "critical", "critical"), 1),
        (smelling(complexity="high"), 8),
        (smelling("high", complexity="medium"), 6),
    ],
)
async def test_each_finding_takes_off_its_points_and_the_worst_caps_the_rest(found: Findings, score: float) -> None:
    assert score_of(found) == score


LONG = "a = 1\r\nb = 2\n\nc = a +  b\nb = 2"
MISPLACED = {
    "a line that there is not": (-99999, "a = 1", "does not stand in line -99999, but in 1"),
    "another line": (1, "b = 2", "does not stand in line 1, but in 2, 5"),
    "nowhere": (1, "eval(a)", "stands in no line of the code"),
    "a line without a fragment": (1, None, "give both line and fragment, or neither"),
    "a fragment without a line": (None, "a = 1", "give both line and fragment, or neither"),
    "lines that do not follow each other": (1, "a = 1\nb = 3", "stands in no line of the code"),
    "a fragment that could be anywhere": (1, "=", "too short to show anything"),
}


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        (1, "1| a = 1"),
        (1, "`A = 1`"),
        (4, "c = … b"),
        (1, "1| a = 1\n2| b = 2"),
        (2, "b = 2\n\nc = a + b"),
        (4, "a + b\r\nb = 2"),
    ],
)
async def test_a_fragment_may_be_copied_in_another_way(line: int, fragment: str) -> None:
    found = SecurityFindings.model_validate({"vulnerabilities": [vulnerability(line, fragment)], "recommendations": []})
    assert misplaced(ReviewInput(numbered_code=numbered(LONG)), found) == []


@pytest.mark.parametrize(("line", "fragment", "fault"), MISPLACED.values(), ids=MISPLACED)
async def test_a_finding_that_does_not_stand_where_it_says_goes_back_to_the_reviewer(
    pipeline: Pipeline, line: int | None, fragment: str | None, fault: str
) -> None:
    """With where it does stand; the corrected review is the one in the result."""
    wrong, right = (
        {"json": {"vulnerabilities": [vulnerability(*place)], "recommendations": []}}
        for place in ((line, fragment), (4, "c = a + b"))
    )
    await pipeline.gemini.rule(step="review-security", times=1, reply=wrong)
    await pipeline.gemini.rule(step="review-security", reply=right)
    job = await pipeline.submit(PATTERN, request(LONG))
    result = await pipeline.result(job)
    first, second = await pipeline.gemini.calls(job=job, step="review-security")
    assert "3| \n4| c = a +  b\n5| b = 2" in first.prompt
    assert fault in second.prompt
    assert result["security"]["vulnerabilities"][0]["line"] == 4


UNFIT = {
    "an id that there is not": (
        [action("security-1", "security-9")],
        'addresses "security-9", and there is no',
    ),
    "a priority too low": (
        [action("security-1", priority="medium")],
        "Action 1 has priority medium; security-1 is critical",
    ),
    "a grave finding left out": ([action("maintainability-1")], "No action addresses security-1, which is critical"),
    "the most urgent not first": (
        [action("maintainability-1", priority="low"), action("security-1")],
        "Action 2 is critical, behind one that is low: the most urgent comes first",
    ),
}


@pytest.mark.parametrize(("actions", "fault"), UNFIT.values(), ids=UNFIT)
async def test_actions_that_are_not_about_the_findings_go_back(
    pipeline: Pipeline, actions: list[dict[str, Any]], fault: str
) -> None:
    await reviewed(pipeline, REVIEWS)
    await pipeline.gemini.rule(step="synthesize", times=1, reply=synthesis(*actions))
    await pipeline.gemini.rule(step="synthesize", reply=synthesis(action("security-1", "maintainability-1")))
    job = await pipeline.submit(PATTERN, request())
    result = await pipeline.result(job)
    _, second = await pipeline.gemini.calls(job=job, step="synthesize")
    assert fault in second.prompt
    assert result["prioritizedActions"] == [action("security-1", "maintainability-1")]


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
        assert "Write in the language of the code's comments, and in English" in review.prompt
        assert "1| def find(db, name):\n2|     return db.execute(name)\n```" in review.prompt


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
    named = " and none of ".join(f'"{aspect}"' for aspect in sorted(missing))
    assert f"There is no review of {named}." in synthesize.prompt


async def test_a_review_that_fails_in_its_midst_is_null_all_the_same(pipeline: Pipeline) -> None:
    """What was streamed of it is void."""
    await reviewed(
        pipeline, {**CLEAN, "security": {"vulnerabilities": [vulnerability(7, "nothing")], "recommendations": []}}
    )
    await pipeline.gemini.rule(step="synthesize", reply=synthesis())
    job = await pipeline.submit(PATTERN, request(allowPartial=True))
    *growing, end = await pipeline.events(job)
    assert isinstance(end, JobCompleted)
    document = Document()
    for event in growing:
        document.apply(event)
    assert document.value == end.result
    assert (end.result["security"], end.result["overallScore"]) == (None, 10)


async def test_without_any_review_there_is_nothing_to_draw_together(pipeline: Pipeline) -> None:
    """Also a caller who allows partial results gets a failure then, not an empty success."""
    for step in STEPS.values():
        await pipeline.gemini.rule(step=step, fault=REFUSED)
    job = await pipeline.submit(PATTERN, request(allowPartial=True))
    assert (await pipeline.failure(job)).problem.code == "model_rejected"
    assert await pipeline.gemini.calls(job=job, step="synthesize") == []
