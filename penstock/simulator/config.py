"""What can be set when a simulator is started."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast replies come: seconds to the first token, then so many tokens a second (None: all at once)."""

    ttft: float = 0.0
    tokens_per_second: float | None = None

    def due(self, tokens: int) -> float:
        """Seconds after the start of the call at which so many tokens are out, beyond the first chunk."""
        return self.ttft + (tokens / self.tokens_per_second if self.tokens_per_second else 0.0)


PACES: dict[str, Pace] = {
    "natural": Pace(ttft=0.25, tokens_per_second=120.0),
    "slow": Pace(ttft=1.5, tokens_per_second=25.0),
    "off": Pace(),
}


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of one simulator; `Config()` answers without delay, and in other words at each call.

    `vary` False: equal requests get equal replies. Values that steer (numbers, enums, ids, calls of tools) never vary.
    """

    pace: Pace = field(default_factory=Pace)
    vary: bool = True
    models: tuple[str, ...] = ("gemini-3-pro", "gemini-3-flash", "gemini-2.5-pro", "gemini-2.5-flash")
    max_request_bytes: int = 8 * 1024 * 1024
    kept_calls: int = 20_000
    kept_prompt_chars: int = 4_000
