"""Which model does a step."""

from typing import Any, get_args

import pytest
from google.genai import types

from penstock.contracts.options import Options, PatternRequest, Priority
from penstock.contracts.step import Complexity, Step
from penstock.contracts.wire import Wire
from penstock.errors import InvalidRequest, Misconfigured
from penstock.llm.ask import StepModel
from penstock.llm.selector import Asked, Choice, check_model, choose
from penstock.settings import Models, Settings
from penstock.settings.group import Harm, Threshold
from tests.llm.asking import LABELS, PROMPT, at
from tests.llm.wire import Wire as ModelServer
from tests.llm.wire import said

TIERS = Models(complex_models=("gemini-4-big", "other", "last"), fast_models=("gemini-3-quick",))
STEP = Step(name="draft", input=Wire, output=str, thinking="medium")


def chosen(models: Models = TIERS, **job: Any) -> Choice:
    return choose(models, "writing", STEP, **job)


@pytest.mark.parametrize(
    ("complexity", "priority", "model"),
    [
        ("simple", "speed", "gemini-3-quick"),
        ("simple", "quality", "gemini-4-big"),
        ("simple", None, "gemini-3-quick"),
        ("moderate", "speed", "gemini-3-quick"),
        ("moderate", "quality", "gemini-4-big"),
        ("moderate", None, "gemini-3-quick"),
        ("complex", "speed", "gemini-3-quick"),
        ("complex", "quality", "gemini-4-big"),
        ("complex", None, "gemini-4-big"),
    ],
)
def test_a_priority_decides_the_tier_and_without_one_the_complexity(
    complexity: Complexity, priority: Priority | None, model: str
) -> None:
    assert chosen(complexity=complexity, priority=priority).at(1).model == model


def test_each_model_of_a_tier_gets_its_attempts_in_turn() -> None:
    choice = chosen(complexity="complex")
    tried = [choice.at(attempt).model for attempt in range(1, 12)]
    assert tried == ["gemini-4-big"] * 3 + ["other"] * 3 + ["last"] * 5
    assert choice.attempts == 9
    assert chosen().attempts == 3


@pytest.mark.parametrize("priority", [None, "speed", "quality"])
@pytest.mark.parametrize("tier", ["fast", "complex"])
def test_a_job_may_name_a_tier_with_its_fallbacks(tier: str, priority: Priority | None) -> None:
    """Whatever its priority says, which still decides how much is thought."""
    choice = chosen(model=tier, priority=priority)
    assert [one.model for one in choice.models] == list(TIERS.fast_models if tier == "fast" else TIERS.complex_models)
    assert (choice.stronger is None) == (tier == "complex")
    assert choice.at(1).thinking == {None: "medium", "speed": "low", "quality": "high"}[priority]


@pytest.mark.parametrize("model", ["gemini-4-big", "other", "gemini-9-elsewhere"])
def test_a_job_that_names_a_model_has_no_other(model: str) -> None:
    choice = chosen(model=model)
    assert ([one.model for one in choice.models], choice.stronger, choice.attempts) == ([model], None, 3)


def test_a_setting_names_the_tier_or_model_of_a_step() -> None:
    """The more exact name counts more; what the job says, more than either."""
    by_name = TIERS.model_copy(update={"step_models": {"draft": "complex", "other/draft": "last"}})
    exactly = TIERS.model_copy(update={"step_models": {"draft": "fast", "writing/draft": "last"}})
    assert chosen(by_name).at(1).model == "gemini-4-big"
    assert chosen(exactly).at(1).model == "last"
    assert chosen(exactly, priority="quality").at(1).model == "last"
    assert chosen(exactly, model="fast").at(1).model == "gemini-3-quick"


def test_thinking_and_temperature_are_those_of_the_tier() -> None:
    """Of each tier's own, also where both have the same model; a level is told to models that know levels."""
    both = Models(
        complex_models=("gemini-3-quick", "gemini-2.5-pro"),
        fast_models=("gemini-3-quick",),
        complex_thinking="high",
        complex_temperature=0.2,
        fast_thinking=512,
    )
    assert chosen(both, model="complex").models == [
        Asked("gemini-3-quick", "high", 0.2),
        Asked("gemini-2.5-pro", "high", 0.2),
    ]
    fast = chosen(both)
    assert (fast.models, fast.stronger) == ([Asked("gemini-3-quick", 512)], Asked("gemini-3-quick", "high", 0.2))
    assert chosen(both, model="gemini-2.5-pro").models == [Asked("gemini-2.5-pro", "high", 0.2)]
    assert [one.told for one in chosen(both, model="complex").models] == ["high", None]


async def test_the_request_has_thinking_temperature_and_safety_as_they_are_set() -> None:
    safety = Models(safety_settings='{"HARM_CATEGORY_HARASSMENT": "BLOCK_ONLY_HIGH"}').safety_settings
    async with ModelServer([said("fine")] * 2) as wire, at(wire.url, safety_settings=safety) as llm:
        await StepModel(llm, Asked("gemini-2.5-flash", 512, 0.5), LABELS).text(PROMPT)
        await StepModel(llm, Asked("gemini-4-argon", "high"), LABELS).text(PROMPT)
    budget, level = (asked.body["generationConfig"] for asked in wire.asked)
    assert (budget["temperature"], budget["thinkingConfig"]) == (0.5, {"thinking_budget": 512})
    assert ("temperature" in level, level["thinkingConfig"]) == (False, {"thinking_level": "HIGH"})
    assert wire.asked[0].body["safetySettings"] == [
        {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}
    ]


def test_categories_and_thresholds_are_those_of_the_sdk() -> None:
    assert set(get_args(Harm)) <= {one.value for one in types.HarmCategory}
    assert set(get_args(Threshold)) <= {one.value for one in types.HarmBlockThreshold}


def test_the_default_tiers_are_exhausted_before_a_message_is_poison() -> None:
    settings = Settings()
    assert max(choose(settings, "writing", STEP, model=tier).attempts for tier in ("fast", "complex")) <= (
        settings.max_deliveries
    )


@pytest.mark.parametrize("model", ["fast", "complex", "gemini-3.8-flash", None])
def test_a_job_may_ask_for_a_tier_and_by_default_for_its_models(model: str | None) -> None:
    check_model(PatternRequest(options=Options(model=model)), Models())


@pytest.mark.parametrize(
    ("model", "settings"),
    [("gemini-9", Models()), ("Fast", Models()), ("gemini-3.8-flash", Models(allowed_models=("gemini-9",)))],
)
def test_a_model_that_is_not_allowed_is_refused_by_name(model: str, settings: Models) -> None:
    with pytest.raises(InvalidRequest, match=f"^/options/model: {model!r} may not be .*: complex, fast, ") as refused:
        check_model(PatternRequest(options=Options(model=model)), settings)
    assert [error.pointer for error in refused.value.errors] == ["/options/model"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("complex_models", " ,"),
        ("fast_models", ""),
        ("model_timeout", 0),
        ("model_first_token_timeout", -1),
        ("model_max_output_tokens", 0),
        ("model_base_url", "localhost:8089"),
        ("fast_thinking", "deep"),
        ("complex_temperature", 2.1),
        ("step_models", "{"),
        ("step_models", '{"a b": "fast"}'),
        ("safety_settings", '{"HARM_CATEGORY_HARASSMENT": "NEVER"}'),
        ("safety_settings", '{"HARASSMENT": "OFF"}'),
    ],
)
def test_settings_that_cannot_work_are_refused(name: str, value: object) -> None:
    with pytest.raises(Misconfigured, match=f"PENSTOCK_{name.upper()}"):
        Settings(**{name: value})  # type: ignore[arg-type]
