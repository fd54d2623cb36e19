from pathlib import Path

from pydantic import Field, SecretStr

from penstock.contracts.options import Priority
from penstock.contracts.step import Complexity
from penstock.settings.group import BaseUrl, Count, Group, ModelNames, Seconds

#: Deliveries of a step that each model of its tier gets.
ATTEMPTS_PER_MODEL = 3


class Models(Group):
    """Models"""

    # The stable ones of November 2026: gemini-2.5-pro and gemini-2.5-flash, which the guide's models became, are shut
    # down on 2026-12-01. One fallback a tier: with two, a step would have more attempts than `max_deliveries`.
    complex_models: ModelNames = Field(
        ("gemini-4-argon", "gemini-3.8-flash"), description="The complex tier's model, then fallbacks."
    )
    fast_models: ModelNames = Field(
        ("gemini-3.8-flash", "gemini-3.5-flash-lite"), description="The fast tier's model, then fallbacks."
    )
    model_api_key: SecretStr | None = Field(None, description="Gemini API key; else GEMINI_API_KEY.")
    model_api_key_file: Path | None = Field(None, description="A file with the key in it; else GEMINI_API_KEY_FILE.")
    model_base_url: BaseUrl | None = Field(None, description="Base URL; else GOOGLE_GEMINI_BASE_URL.")
    simulator_url: BaseUrl | None = Field(None, description="Base URL for when there is neither a key nor a base URL.")
    model_timeout: Seconds = Field(600, description="Seconds that one model call may take.")
    model_first_token_timeout: Seconds = Field(120, description="Seconds until its first piece, thinking done.")
    model_idle_timeout: Seconds = Field(60, description="Seconds between two pieces of a reply.")
    model_max_output_tokens: Count = Field(65_536, description="Output tokens of one model call, thinking included.")
    model_retry_delay: Seconds = Field(0.5, description="Seconds before a model call's second try; doubles, up to 30.")

    def model_for(self, attempt: int, complexity: Complexity, priority: Priority | None = None) -> str:
        """The model of a step's attempt, counted from 1: the tier's first for three, then each fallback for as many.

        Past the last model's attempts it stays the last model.
        """
        models = self._tier(complexity, priority)
        return models[min((attempt - 1) // ATTEMPTS_PER_MODEL, len(models) - 1)]

    def attempts(self, complexity: Complexity, priority: Priority | None = None) -> int:
        """How many attempts the models of a step have: a failure of the last is final."""
        return len(self._tier(complexity, priority)) * ATTEMPTS_PER_MODEL

    def model_above(self, complexity: Complexity, priority: Priority | None = None) -> str | None:
        """The model to ask last where the step's own tier does not get it right; None for the highest tier."""
        return None if self._tier(complexity, priority) is self.complex_models else self.complex_models[0]

    def _tier(self, complexity: Complexity, priority: Priority | None) -> tuple[str, ...]:
        is_complex = complexity == "complex" if priority is None else priority == "quality"
        return self.complex_models if is_complex else self.fast_models
