from pathlib import Path

from pydantic import Field, SecretStr

from penstock.settings.group import (
    BaseUrl,
    Count,
    Group,
    ModelNames,
    Names,
    SafetySettings,
    Seconds,
    StepModels,
    Temperature,
    TierThinking,
)
from penstock.settings.model_limits import ModelLimits

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
    complex_thinking: TierThinking | None = Field(
        None,
        description="Thinking of the complex tier: low, medium, high or a budget in tokens; else each step's.",
    )
    fast_thinking: TierThinking | None = Field(None, description="Thinking of the fast tier, likewise.")
    complex_temperature: Temperature | None = Field(None, description="Temperature of the complex tier, 0 to 2.")
    fast_temperature: Temperature | None = Field(None, description="Temperature of the fast tier; Gemini 3 wants none.")
    allowed_models: Names = Field((), description="Models that options.model may name; else those of both tiers.")
    step_models: StepModels = Field(
        {}, description='JSON: a tier or model by step, as {"routing/classify": "complex"}; without `pattern/` of all.'
    )
    safety_settings: SafetySettings = Field(
        {}, description='JSON: thresholds by category, as {"HARM_CATEGORY_HARASSMENT": "BLOCK_ONLY_HIGH"}.'
    )
    model_api_key: SecretStr | None = Field(None, description="Gemini API key; else GEMINI_API_KEY.")
    model_api_key_file: Path | None = Field(None, description="A file with the key in it; else GEMINI_API_KEY_FILE.")
    model_base_url: BaseUrl | None = Field(None, description="Base URL; else GOOGLE_GEMINI_BASE_URL.")
    simulator_url: BaseUrl | None = Field(None, description="Base URL for when there is neither a key nor a base URL.")
    model_timeout: Seconds = Field(600, description="Seconds that one model call may take.")
    model_first_token_timeout: Seconds = Field(120, description="Seconds until its first piece, thinking done.")
    model_idle_timeout: Seconds = Field(60, description="Seconds between two pieces of a reply.")
    model_max_output_tokens: Count = Field(65_536, description="Output tokens of one model call, thinking included.")
    sdk_stream: bool = Field(False, description="Replies are read by Google's SDK: six times the CPU.")
    model_retry_delay: Seconds = Field(0.5, description="Seconds before a model call's second try; doubles, up to 30.")
    model_limits: ModelLimits = Field(
        {},
        description="JSON: limits by model, for all replicas together, as "
        '{"gemini-4-argon": {"concurrent": 20, "requestsPerMinute": 300, "tokensPerMinute": 1000000}}; `*`: any other.',
    )

    @property
    def permits(self) -> dict[str, int]:
        """How many calls at once, of each model that is named anywhere here and has such a limit."""
        named = {*self.complex_models, *self.fast_models, *self.allowed_models, *self.model_limits} - {"*"}
        limits = {model: self.model_limits.get(model) or self.model_limits.get("*") for model in sorted(named)}
        return {model: limit.concurrent for model, limit in limits.items() if limit and limit.concurrent}
