"""What can be set about the models."""

from dataclasses import dataclass

from pydantic import SecretStr

from penstock.errors import Misconfigured


@dataclass(frozen=True, kw_only=True)
class TierModels:
    """The models of one tier, in the order they are tried."""

    primary: str
    fallbacks: tuple[str, ...] = ()

    @property
    def in_turn(self) -> tuple[str, ...]:
        return (self.primary, *self.fallbacks)


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Settings of `Llm` and `Tiers`. Raises Misconfigured for values that cannot work.

    The default models are the stable ones of November 2026: gemini-2.5-pro and gemini-2.5-flash, which the
    guide's models became, are shut down on 2026-12-01. One fallback a tier, because each model has
    `attempts_per_model` deliveries, and a step message is given up after eight.
    """

    complex: TierModels = TierModels(primary="gemini-4-argon", fallbacks=("gemini-3.8-flash",))
    fast: TierModels = TierModels(primary="gemini-3.8-flash", fallbacks=("gemini-3.5-flash-lite",))
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
    #: Seconds to open a connection.
    connect_seconds: float = 10.0
    #: Thinking counts towards it.
    max_output_tokens: int = 32_768
    #: Whether job, key and step go along as X-Penstock headers; None: only where the base URL is not Google's.
    trace_headers: bool | None = None
    #: Calls at the same time; those above it wait for a connection, up to `first_token_seconds`.
    max_connections: int = 1_000

    def __post_init__(self) -> None:
        for name in ("complex", "fast"):
            if not all(getattr(self, name).in_turn):
                raise Misconfigured(f"the {name} tier's models must have names")
        for name in ("attempts_per_model", "first_token_seconds", "total_seconds", "connect_seconds"):
            if getattr(self, name) <= 0:
                raise Misconfigured(f"{name} must be greater than 0")
        if self.max_output_tokens < 1 or self.max_connections < 1:
            raise Misconfigured("max_output_tokens and max_connections must be at least 1")
        if self.base_url is not None and not self.base_url.startswith(("http://", "https://")):
            raise Misconfigured(f"base_url must be an http:// or https:// URL, not {self.base_url!r}")
