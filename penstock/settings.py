"""Every setting, with its default: environment variables with the prefix `PENSTOCK_`.

The model's key and address may also come from the SDK's own variables (GEMINI_API_KEY, GOOGLE_API_KEY,
GOOGLE_GEMINI_BASE_URL), which are honoured where Penstock's are not set.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, IPvAnyNetwork, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from penstock.contracts.webhook import secrets
from penstock.llm.config import ModelConfig, TierModels

Seconds = Annotated[float, Field(gt=0)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(str.upper)]
Count = Annotated[int, Field(ge=1)]


class Settings(BaseSettings):
    """See docs/settings.md, which is made from this class."""

    model_config = SettingsConfigDict(env_prefix="PENSTOCK_", frozen=True, extra="ignore", hide_input_in_errors=True)

    # NATS
    nats_url: str = Field(default="nats://127.0.0.1:4222", description="Servers, separated by commas.")
    nats_credentials: str | None = Field(default=None, description="Path of a NATS .creds file.")
    nats_token: SecretStr | None = Field(default=None, description="NATS token, where the server wants one.")
    nats_timeout: Seconds = Field(default=30, description="Seconds after which a publish or read gives up.")
    stream_replicas: Annotated[int, Field(ge=1, le=5)] = Field(
        default=1, description="Copies of each stream; 3 on a cluster. Used when streams are declared."
    )
    events_max_bytes: Count = Field(default=2 * 1024**3, description="Bytes of EVENTS; the oldest go first.")
    jobs_max_age_days: Seconds = Field(default=7, description="Days that JOBS and JOURNAL keep a job.")
    events_max_age_hours: Seconds = Field(default=24, description="Hours that EVENTS keeps an event.")

    # Work
    patterns: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="More patterns, as module:ATTRIBUTE, separated by commas."
    )
    slots: Count = Field(default=32, description="Steps that one worker or classifier executes at once.")
    runs: Count = Field(default=256, description="Jobs that one aggregator holds at once.")
    fan_out: Count = Field(default=8, description="Tasks of one job in work at once, where it fans out.")
    ack_wait: Annotated[float, Field(ge=1)] = Field(
        default=6, description="Seconds without a heartbeat after which a replica's work is given to another."
    )
    grace: Seconds = Field(default=20, description="Seconds that running work may take to finish at SIGTERM.")
    deadline: Seconds = Field(default=900, description="Seconds a job may take, where its request does not say.")
    max_deliveries: Annotated[int, Field(ge=2)] = Field(
        default=8, description="Deliveries after which a message is given up as poisoned."
    )
    flush_interval: Annotated[float, Field(ge=0)] = Field(
        default=0.02, description="Seconds within which pieces of text are joined to one delta."
    )

    # Models
    complex_models: Annotated[tuple[str, ...], NoDecode] = Field(
        default=ModelConfig().complex.in_turn,
        min_length=1,
        description="The complex tier's model, then its fallbacks, separated by commas.",
    )
    fast_models: Annotated[tuple[str, ...], NoDecode] = Field(
        default=ModelConfig().fast.in_turn,
        min_length=1,
        description="The fast tier's model, then its fallbacks, separated by commas.",
    )
    model_api_key: SecretStr | None = Field(default=None, description="Gemini API key; else GEMINI_API_KEY.")
    model_base_url: str | None = Field(default=None, description="Base URL; else GOOGLE_GEMINI_BASE_URL.")
    model_timeout: Seconds = Field(default=600, description="Seconds that one model call may take.")
    model_first_token_timeout: Seconds = Field(default=120, description="Seconds until its first piece.")
    model_max_output_tokens: Count = Field(default=32_768, description="Output tokens of one model call.")
    model_retry_delay: Seconds = Field(
        default=0.5,
        description="Seconds before a failed model call is tried again; doubles, up to 30.",
    )

    # HTTP
    host: str = Field(default="127.0.0.1", description="Address that a service's HTTP server listens on.")
    port: Annotated[int | None, Field(ge=0, le=65_535)] = Field(
        default=None, description="Its port; 0 takes a free one. Not set: 8080 for the gateway, a free one for others."
    )
    max_body: Count = Field(default=4 * 1024**2, description="Bytes of a request body.")
    stream_buffer: Count = Field(
        default=8 * 1024**2, description="Bytes buffered for one slow reader before its connection is cut."
    )
    heartbeat: Seconds = Field(default=15, description="Seconds between heartbeats on a quiet event stream.")
    max_backlog: Count = Field(
        default=10_000, description="Jobs waiting for an aggregator beyond which the gateway answers 503."
    )

    # Webhooks
    webhook_secret: SecretStr | None = Field(
        default=None,
        description="Signs webhooks: whsec_ and 24 to 64 bytes in base64. Several, separated by blanks, all sign. "
        "Not set: requests with a webhook are refused.",
    )
    webhook_allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Hosts that webhooks may reach at private addresses and by plain http, separated by commas.",
    )
    webhook_allowed_networks: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = Field(
        default=(), description="Networks that webhooks may reach although they are not public, separated by commas."
    )
    webhook_timeout: Seconds = Field(default=15, description="Seconds that one delivery of a webhook may take.")
    webhook_max_body: Annotated[int, Field(ge=1024)] = Field(
        default=256 * 1024, description="Bytes of a webhook; a larger job is told without its result."
    )
    webhook_slots: Count = Field(default=16, description="Webhooks that one aggregator delivers at once.")
    webhook_retry_delays: Annotated[tuple[Seconds, ...], NoDecode] = Field(
        default=(5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400),
        description="Seconds between the tries of a webhook; the default is the example of Standard Webhooks, 3 days.",
    )

    log_level: LogLevel = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_json: bool = Field(default=True, description="One JSON object a line; else plain text.")

    @field_validator(
        "patterns",
        "complex_models",
        "fast_models",
        "webhook_allowed_hosts",
        "webhook_allowed_networks",
        "webhook_retry_delays",
        mode="before",
    )
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("webhook_allowed_hosts")
    @classmethod
    def _lower_case(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(host.lower() for host in value)

    @field_validator("webhook_secret")
    @classmethod
    def _well_formed(cls, value: SecretStr | None) -> SecretStr | None:
        """Raises ValueError for a malformed secret, without showing it."""
        if value is not None:
            secrets(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _enough_deliveries(self) -> "Settings":
        """Every model of a tier gets its attempts before a step's message is taken for poisoned."""
        models = max(len(self.complex_models), len(self.fast_models))
        needed = models * ModelConfig.attempts_per_model
        if needed > self.max_deliveries:
            raise ValueError(
                f"PENSTOCK_MAX_DELIVERIES={self.max_deliveries} is too few: {models} models of a tier with "
                f"{ModelConfig.attempts_per_model} attempts each need {needed}"
            )
        return self

    def models(self) -> ModelConfig:
        """What the model layer needs of these settings."""
        return ModelConfig(
            complex=TierModels(primary=self.complex_models[0], fallbacks=self.complex_models[1:]),
            fast=TierModels(primary=self.fast_models[0], fallbacks=self.fast_models[1:]),
            api_key=self.model_api_key,
            base_url=self.model_base_url,
            first_token_seconds=self.model_first_token_timeout,
            total_seconds=self.model_timeout,
            max_output_tokens=self.model_max_output_tokens,
        )
