"""Which model does a step."""

import pytest

from penstock.contracts.options import Priority
from penstock.contracts.step import Complexity
from penstock.errors import Misconfigured
from penstock.settings import Models, Settings

TIERS = Models(complex_models=("big", "other", "last"), fast_models=("quick",))


@pytest.mark.parametrize(
    ("complexity", "priority", "model"),
    [
        ("simple", "speed", "quick"),
        ("simple", "quality", "big"),
        ("simple", None, "quick"),
        ("moderate", "speed", "quick"),
        ("moderate", "quality", "big"),
        ("moderate", None, "quick"),
        ("complex", "speed", "quick"),
        ("complex", "quality", "big"),
        ("complex", None, "big"),
    ],
)
def test_a_priority_decides_the_tier_and_without_one_the_complexity(
    complexity: Complexity, priority: Priority | None, model: str
) -> None:
    assert TIERS.model_for(1, complexity, priority) == model


def test_each_model_of_a_tier_gets_its_attempts_in_turn() -> None:
    tried = [TIERS.model_for(attempt, "complex") for attempt in range(1, 12)]
    assert tried == ["big"] * 3 + ["other"] * 3 + ["last"] * 5


def test_a_tier_is_exhausted_by_the_last_attempt_of_its_last_model() -> None:
    assert TIERS.attempts("simple") == 3
    assert TIERS.attempts("complex") == 9


def test_the_default_tiers_are_exhausted_before_a_message_is_poison() -> None:
    settings = Settings()
    assert settings.attempts("complex") <= settings.max_deliveries
    assert settings.attempts("simple") <= settings.max_deliveries


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("complex_models", " ,"),
        ("fast_models", ""),
        ("model_timeout", 0),
        ("model_first_token_timeout", -1),
        ("model_max_output_tokens", 0),
        ("model_base_url", "localhost:8089"),
    ],
)
def test_settings_that_cannot_work_are_refused(name: str, value: object) -> None:
    with pytest.raises(Misconfigured, match=f"PENSTOCK_{name.upper()}"):
        Settings(**{name: value})  # type: ignore[arg-type]
