"""Which model does a step: the tier by what is asked for, the model by how often it was tried."""

from dataclasses import dataclass
from typing import Literal

from penstock.contracts.options import Priority
from penstock.contracts.step import Complexity
from penstock.llm.config import ModelConfig

Tier = Literal["fast", "complex"]


def select_model(complexity: Complexity, priority: Priority | None = None) -> Tier:
    """The tier for a step: `speed` wins only for what is simple, `quality` always."""
    if priority == "speed" and complexity == "simple":
        return "fast"
    if complexity == "complex" or priority == "quality":
        return "complex"
    return "fast"


@dataclass(frozen=True)
class Tiers:
    """Attempts are counted from 1, as JetStream counts deliveries."""

    config: ModelConfig

    def model_for(self, tier: Tier, attempt: int) -> str:
        """The primary for the first `attempts_per_model` attempts, then each fallback for as many.

        Past the last model's attempts it stays the last model.
        """
        models = self._models(tier)
        turn = (max(attempt, 1) - 1) // self.config.attempts_per_model
        return models[min(turn, len(models) - 1)]

    def exhausted(self, tier: Tier, attempt: int) -> bool:
        """Whether a failure of this attempt is final: no model of the tier has an attempt left."""
        return attempt >= len(self._models(tier)) * self.config.attempts_per_model

    def _models(self, tier: Tier) -> tuple[str, ...]:
        return (self.config.complex if tier == "complex" else self.config.fast).in_turn
