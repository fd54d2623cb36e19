"""Which model does a step."""

import pytest

from penstock.contracts.options import Priority
from penstock.contracts.step import Complexity
from penstock.errors import Misconfigured
from penstock.llm.config import ModelConfig, Tier, select_model
from penstock.settings import Settings

TIERS = ModelConfig(complex=("big", "other", "last"), fast=("quick",), attempts_per_model=3)


@pytest.mark.parametrize(
    ("complexity", "priority", "tier"),
    [
        ("simple", "speed", "fast"),
        ("simple", "quality", "complex"),
        ("simple", None, "fast"),
        ("moderate", "speed", "fast"),
        ("moderate", "quality", "complex"),
        ("moderate", None, "fast"),
        ("complex", "speed", "complex"),
        ("complex", "quality", "complex"),
        ("complex", None, "complex"),
    ],
)
def test_the_selector_is_the_guides(complexity: Complexity, priority: Priority | None, tier: Tier) -> None:
    assert select_model(complexity, priority) == tier


def test_each_model_of_a_tier_gets_its_attempts_in_turn() -> None:
    tried = [TIERS.model_for("complex", attempt) for attempt in range(1, 12)]
    assert tried == ["big"] * 3 + ["other"] * 3 + ["last"] * 5


def test_a_tier_is_exhausted_by_the_last_attempt_of_its_last_model() -> None:
    assert [TIERS.exhausted("fast", attempt) for attempt in (1, 2, 3, 4)] == [False, False, True, True]
    assert [TIERS.exhausted("complex", attempt) for attempt in (8, 9)] == [False, True]


def test_the_default_tiers_are_exhausted_before_a_message_is_poison() -> None:
    tiers = ModelConfig()
    assert tiers.exhausted("complex", 8)
    assert tiers.exhausted("fast", 8)


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
