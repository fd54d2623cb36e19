"""How fast replies come: a time to the first token, then so many tokens a second."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """`ttft` in seconds; `tokens_per_second` None means at once."""

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
