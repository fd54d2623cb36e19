"""Each pattern asks for the same and returns the same from every beginning of its journal, and in other orders."""

from typing import Any

import pytest

from penstock import Failure
from penstock.contracts.turns import ToolCall, Turn
from penstock.patterns import PATTERNS
from penstock.testing import PatternTest
from penstock.tools.calculate import CalculateInput, CalculateOutput
from tests.patterns import code_reviews, plans, reviews

PATTERN = {pattern.name: pattern for pattern in PATTERNS}


def calculated(asked: CalculateInput) -> CalculateOutput:
    return CalculateOutput(expression=asked.expression, success=True, result=f"as much as {asked.expression}")


def calls(*expressions: str) -> Turn:
    parts = (ToolCall(id=one, name="calculate", args={"expression": one}) for one in expressions)
    return Turn(role="model", parts=tuple(parts))


CONCLUSION = {"solution": "So.", "finalAnswer": "6", "verification": "None."}
CATEGORY = {"reason": "A lantern.", "category": "technical", "confidence": 0.9, "complexity": "complex"}
PLAN = plans.plan(*(plans.task(id, *needs) for id, *needs in (["a", "b", "c"], ["b"], ["c", "b"], ["d"])))["json"]
TASKS = {f"task-{index}": plans.output(f"done {index}")["json"] for index in range(4)}
FAILED = Failure("model_blocked", "no")
REVIEWS = {
    "review-security": {
        "vulnerabilities": [code_reviews.vulnerability(2, "execute(name)", "high")],
        "recommendations": [],
    },
    "review-performance": code_reviews.CLEAN["performance"],
    "review-maintainability": code_reviews.CLEAN["maintainability"],
    "synthesize": code_reviews.synthesis(code_reviews.action("security-1"))["json"],
}
NOTHING_TO_DO = {"synthesize": code_reviews.synthesis()["json"]}
PARTIAL = code_reviews.request(allowPartial=True)
TRANSLATIONS = {
    "translate": "One version",
    "improve-translation": ["Two version", "Three version"],
    "evaluate-translation": [reviews.translation_review(*[reviews.error()] * count) for count in (3, 2, 1)],
    "compare-translations": {"reason": "Alike.", "better": "neither"},
    "explain": "It went well.",
}
#: What is run: the pattern, its request (None: the example), and what its steps give.
RUNS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "a draft that is good enough": (
        "sequential-processing",
        None,
        {"draft": "Words.", "evaluate": reviews.copy_review(8)},
    ),
    "a draft that is improved": (
        "sequential-processing",
        None,
        {"draft": "Words.", "improve": "Better.", "evaluate": [reviews.copy_review(score) for score in (4, 8)]},
    ),
    "a query": (
        "routing",
        None,
        {
            "classify": {**CATEGORY, "urgency": "low", "requiredExpertise": []},
            "respond": {"response": "Look.", "nextSteps": [], "estimatedResolutionTime": "An hour."},
        },
    ),
    "three reviews": ("parallel-processing", code_reviews.request(), REVIEWS),
    "two reviews that fail": (
        "parallel-processing",
        PARTIAL,
        {**REVIEWS, "review-maintainability": FAILED, "review-security": FAILED, **NOTHING_TO_DO},
    ),
    "tasks that need others": ("orchestrator-worker", None, {"plan": PLAN, "summarize": "Done.", **TASKS}),
    "a task that fails": ("orchestrator-worker", None, {"plan": PLAN, "summarize": "Some.", **TASKS, "task-1": FAILED}),
    "a translation": (
        "evaluator-optimizer",
        {"text": "text", "targetLanguage": "French", "domain": "law"},
        TRANSLATIONS,
    ),
    "tools": (
        "multi-step-tool-usage",
        None,
        {
            "think": [calls("1 + 2", "3 + 4"), calls("5 + 6"), *[Turn.of("model", "It is 6.")] * 2],
            "calculate": calculated,
            "conclude": CONCLUSION,
        },
    ),
    "turns that are spent": (
        "multi-step-tool-usage",
        {"problem": "What?", "options": {"maxTurns": 1}},
        {"think": calls("1 + 2"), "calculate": calculated, "conclude": CONCLUSION},
    ),
}


def test_each_pattern_is_among_them() -> None:
    assert {name for name, *_ in RUNS.values()} == {*PATTERN}


@pytest.mark.parametrize("run", RUNS)
async def test_every_replay_is_as_the_first_run_was(run: str) -> None:
    """And its result is read in every way as it was streamed."""
    name, request, steps = RUNS[run]
    tested = await PatternTest(PATTERN[name], steps).run(request)
    assert tested.result
    assert tested.replays > len(tested.steps)
    assert PATTERN[name].result.model_validate_json(tested.text) == tested.result
