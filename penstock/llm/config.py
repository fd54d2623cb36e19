"""Which models do a step, and how they are called."""

from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr

from penstock.contracts.options import Priority
from penstock.contracts.step import Complexity

Tier = Literal["fast", "complex"]


def select_model(complexity: Complexity, priority: Priority | None = None) -> Tier:
    """The tier for a step: `speed` wins only for what is simple, `quality` always."""
    if priority == "speed" and complexity == "simple":
        return "fast"
    return "complex" if complexity == "complex" or priority == "quality" else "fast"


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Made by `penstock.settings`, which refuses values that cannot work.

    The default models are the stable ones of November 2026: gemini-2.5-pro and gemini-2.5-flash, which the
    guide's models became, are shut down on 2026-12-01. One fallback a tier, because each model has
    `attempts_per_model` deliveries, and a step message is given up after eight.
    """

    #: The models of each tier in the order they are tried.
    complex: tuple[str, ...] = ("gemini-4-argon", "gemini-3.8-flash")
    fast: tuple[str, ...] = ("gemini-3.8-flash", "gemini-3.5-flash-lite")
    #: Deliveries of a step that each model of its tier gets.
    attempts_per_model: int = 3
    #: None: GOOGLE_API_KEY or GEMINI_API_KEY, as the SDK has it.
    api_key: SecretStr | None = None
    #: None: GOOGLE_GEMINI_BASE_URL, or else Google's own.
    base_url: str | None = None
    #: Seconds to the first chunk of a reply; a thinking model sends none while it thinks.
    first_token_seconds: float = 120.0
    #: Seconds for a whole call.
    total_seconds: float = 600.0
    #: Thinking counts towards it.
    max_output_tokens: int = 32_768

    def model_for(self, tier: Tier, attempt: int) -> str:
        """The tier's first model for the first `attempts_per_model` attempts, then each fallback for as many.

        Attempts are counted from 1, as JetStream counts deliveries. Past the last model's it stays the last model.
        """
        models: tuple[str, ...] = getattr(self, tier)
        return models[min((max(attempt, 1) - 1) // self.attempts_per_model, len(models) - 1)]

    def exhausted(self, tier: Tier, attempt: int) -> bool:
        """Whether a failure of this attempt is final: no model of the tier has an attempt left."""
        return attempt >= len(getattr(self, tier)) * self.attempts_per_model
