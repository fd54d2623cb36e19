"""Routing: the classification decides which specialist answers, and on which model."""

from typing import Any

import pytest

from penstock.contracts.events import StepCompleted, StepStarted
from penstock.patterns import routing
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


def classified(category: str = "general", complexity: str = "simple", **more: Any) -> dict[str, Any]:
    sure = {"reason": "A lantern.", "category": category, "confidence": 0.9}
    known = {"complexity": complexity, "urgency": "low", "requiredExpertise": ["lamps"]}
    return {"json": {**sure, **known, **more}}


async def asked(pipeline: Pipeline, step: str, **more: Any) -> tuple[dict[str, Any], str]:
    """The result of a query that was classified so, and that step's prompt in one line."""
    await pipeline.gemini.rule(step="classify", reply=classified(**more))
    job = await pipeline.submit(PATTERN, request())
    result = await pipeline.result(job)
    *_, call = await pipeline.gemini.calls(job=job, step=step)
    return result, " ".join(call.prompt.split())


@pytest.mark.parametrize("category", SPECIALISTS)
async def test_each_category_is_answered_by_its_own_specialist(pipeline: Pipeline, category: str) -> None:
    """The specialist is told the query, and how it was classified."""
    await pipeline.gemini.rule(step="classify", reply=classified(category))
    job = await pipeline.submit(PATTERN, request())
    result = await pipeline.result(job)
    assert result["classification"]["category"] == result["answeredBy"] == category
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
        ("complex", {"priority": "speed"}, "fast"),
    ],
)
async def test_the_model_follows_from_the_complexity_and_the_callers_priority(
    pipeline: Pipeline, complexity: str, options: dict[str, str], tier: str
) -> None:
    """The priority decides, and where there is none the complexity."""
    await pipeline.gemini.rule(step="classify", reply=classified(complexity=complexity))
    job = await pipeline.submit(PATTERN, request(**options))
    await pipeline.result(job)
    (respond,) = await pipeline.gemini.calls(job=job, step="respond")
    models = {"fast": pipeline.settings.fast_models, "complex": pipeline.settings.complex_models}
    assert respond.model == models[tier][0]


@pytest.mark.parametrize("named", ["complex", "fast", "gemini-3.5-flash-lite"])
async def test_a_job_may_name_its_model(pipeline: Pipeline, named: str) -> None:
    """For each step, whatever the complexity. Events and outcomes say what was asked, and how."""
    await pipeline.gemini.rule(step="classify", reply=classified(complexity="complex"))
    job = await pipeline.submit(PATTERN, request(model=named, priority="quality"))
    events = await pipeline.events(job)
    tiers = {"fast": pipeline.settings.fast_models[0], "complex": pipeline.settings.complex_models[0]}
    model = tiers.get(named, named)
    assert {call.model for call in await pipeline.gemini.calls(job=job)} == {model}
    thinking = {step.name: step.thinking_for("quality") for step in routing.PATTERN.steps}
    assert {event.step: event.thinking for event in events if isinstance(event, StepStarted)} == thinking
    told = {event.step: (event.model, event.thinking) for event in events if isinstance(event, StepCompleted)}
    assert told == {step: (f"simulator/{model}", level) for step, level in thinking.items()}
    outcomes = (await pipeline.outcomes(job)).values()
    assert {outcome.step: (outcome.thinking, outcome.temperature) for outcome in outcomes} == {
        step: (level, None) for step, level in thinking.items()
    }


async def test_a_named_model_has_no_fallback(pipeline: Pipeline) -> None:
    """What was asked for is not quietly something else; it fails once its three attempts have failed."""
    await pipeline.gemini.rule(step="classify", fault={"status": 503})
    job = await pipeline.submit(PATTERN, request(model="gemini-3.8-flash"))
    failed = await pipeline.failure(job)
    assert (failed.problem.code, failed.problem.status) == ("model_unavailable", 503)
    assert [call.model for call in await pipeline.gemini.calls(job=job)] == ["gemini-3.8-flash"] * 3


async def test_a_model_that_is_not_allowed_fails_a_job_that_nobody_checked(pipeline: Pipeline) -> None:
    failed = await pipeline.failure(await pipeline.submit(PATTERN, request(model="gemini-1")))
    assert failed.problem.code == "invalid_request"
    assert [error.pointer for error in failed.problem.errors or ()] == ["/options/model"]


async def test_the_classification_is_never_typed_again(pipeline: Pipeline) -> None:
    """The answer's model is asked for what is new only; the result has both."""
    job = await pipeline.submit(PATTERN, request())
    result = await pipeline.result(job)
    (respond,) = await pipeline.gemini.calls(job=job, step="respond")
    assert respond.schema_properties == ["response", "nextSteps", "estimatedResolutionTime"]
    assert list(result) == ["classification", "answeredBy", *respond.schema_properties]


async def test_the_classifier_is_a_service_of_its_own(pipeline: Pipeline) -> None:
    job = await pipeline.submit(PATTERN, request())
    await pipeline.result(job)
    outcomes = await pipeline.outcomes(job)
    assert {key: outcome.service for key, outcome in outcomes.items()} == {
        "classify-1": "classifier",
        "respond-1": "workers",
    }


@pytest.mark.parametrize(("confidence", "specialist"), [(0.59, "general"), (0.6, "marketing")])
async def test_who_is_not_sure_enough_asks_the_generalist(
    pipeline: Pipeline, confidence: float, specialist: str
) -> None:
    """The result says what it was taken for, and who answered."""
    result, prompt = await asked(pipeline, "respond", category="marketing", confidence=confidence)
    assert (result["classification"]["category"], result["answeredBy"]) == ("marketing", specialist)
    assert [other for other, words in SPECIALISTS.items() if words in prompt] == [specialist]


async def test_the_classifier_gives_its_reason_first_and_has_rules_and_examples(pipeline: Pipeline) -> None:
    job = await pipeline.submit(PATTERN, request())
    await pipeline.result(job)
    (classify,) = await pipeline.gemini.calls(job=job, step="classify")
    assert classify.schema_properties[:4] == ["reason", "category", "confidence", "secondCategory"]
    assert "Where two categories fit" in classify.prompt
    assert classify.prompt.count('\n- "') == 4


async def test_a_second_request_is_answered_too(pipeline: Pipeline) -> None:
    result, prompt = await asked(pipeline, "respond", category="support", secondCategory="marketing")
    assert result["classification"]["secondCategory"] == "marketing"
    assert 'of the kind "marketing": answer that part, too' in prompt


async def test_a_second_category_that_is_the_first_is_sent_back(pipeline: Pipeline) -> None:
    twice = classified("support", secondCategory="support")
    await pipeline.gemini.rule(step="classify", times=1, reply=twice)
    result, prompt = await asked(pipeline, "classify", category="support")
    assert "secondCategory" not in result["classification"]
    assert "secondCategory is the same as category" in prompt


@pytest.mark.parametrize("category", SPECIALISTS)
async def test_no_specialist_may_claim_to_have_acted_or_promise_a_time(pipeline: Pipeline, category: str) -> None:
    """They see and change no account: who says "I have refunded it" has invented it."""
    _, prompt = await asked(pipeline, "respond", category=category)
    assert "You cannot see or change any account" in prompt
    assert "never say that you have done, started, checked or arranged something" in prompt
    assert 'a range with what it depends on, such as "10 to 30 minutes' in prompt
    assert 'or "not known yet"' in prompt
    assert "in the language of the query" in prompt


@pytest.mark.parametrize(("urgency", "said"), [("high", True), ("medium", False), ("low", False)])
async def test_what_is_urgent_is_answered_with_the_next_minutes_first(
    pipeline: Pipeline, urgency: str, said: bool
) -> None:
    _, prompt = await asked(pipeline, "respond", urgency=urgency)
    assert ("begin with what to do in the next minutes" in prompt) == said
