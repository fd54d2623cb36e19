"""Routing: the classification decides which specialist answers, and on which model."""

from typing import Any

import pytest

from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATTERN = "routing"
QUERY = "My lantern stays dark"
SPECIALISTS = {
    "technical": "You are a senior engineer.",
    "marketing": "You are a marketing strategist.",
    "support": "You are a customer support specialist.",
    "general": "You are a well-read, practical assistant.",
}


def request(**options: str) -> dict[str, Any]:
    return {"query": QUERY, "options": options}


def classified(category: str = "general", complexity: str = "simple") -> dict[str, Any]:
    known = {"category": category, "complexity": complexity, "urgency": "low", "requiredExpertise": ["lamps"]}
    return {"json": known}


@pytest.mark.parametrize("category", SPECIALISTS)
async def test_each_category_is_answered_by_its_own_specialist(pipeline: Pipeline, category: str) -> None:
    """The specialist is told the query, and how it was classified."""
    await pipeline.gemini.rule(step="classify", reply=classified(category))
    job = await pipeline.submit(PATTERN, request())
    result = await pipeline.result(job)
    assert result["classification"]["category"] == category
    (respond,) = await pipeline.gemini.calls(job=job, step="respond")
    assert [other for other, words in SPECIALISTS.items() if words in respond.prompt] == [category]
    assert QUERY in respond.prompt
    assert 'expertise wanted: "lamps"' in respond.prompt


@pytest.mark.parametrize(
    ("complexity", "options", "tier"),
    [
        ("simple", {}, "fast"),
        ("moderate", {}, "fast"),
        ("complex", {}, "complex"),
        ("simple", {"priority": "quality"}, "complex"),
        ("simple", {"priority": "speed"}, "fast"),
        ("complex", {"priority": "speed"}, "complex"),
    ],
)
async def test_the_model_follows_from_the_complexity_and_the_callers_priority(
    pipeline: Pipeline, complexity: str, options: dict[str, str], tier: str
) -> None:
    """Complex queries and `quality` get the complex tier; `speed` wins only for what is simple."""
    await pipeline.gemini.rule(step="classify", reply=classified(complexity=complexity))
    job = await pipeline.submit(PATTERN, request(**options))
    await pipeline.result(job)
    (respond,) = await pipeline.gemini.calls(job=job, step="respond")
    models = {"fast": pipeline.settings.fast_models, "complex": pipeline.settings.complex_models}
    assert respond.model == models[tier][0]


async def test_the_classification_is_never_typed_again(pipeline: Pipeline) -> None:
    """The answer's model is asked for what is new only; the result has both."""
    job = await pipeline.submit(PATTERN, request())
    result = await pipeline.result(job)
    (respond,) = await pipeline.gemini.calls(job=job, step="respond")
    assert respond.schema_properties == ["response", "nextSteps", "estimatedResolutionTime"]
    assert list(result) == ["classification", *respond.schema_properties]


async def test_the_classifier_is_a_service_of_its_own(pipeline: Pipeline) -> None:
    job = await pipeline.submit(PATTERN, request())
    await pipeline.result(job)
    outcomes = await pipeline.outcomes(job)
    assert {key: outcome.service for key, outcome in outcomes.items()} == {
        "classify-1": "classifier",
        "respond-1": "workers",
    }
