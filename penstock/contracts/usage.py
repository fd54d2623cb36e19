"""What steps and jobs cost: tokens, money and time."""

from pydantic import Field

from penstock.contracts.wire import Tolerant, omitted


class Usage(Tolerant):
    """What model calls cost. Tokens as the provider counts them; thinking tokens are billed as output."""

    calls: int = 0
    prompt_tokens: int = 0
    output_tokens: int = 0
    thinking_tokens: int = 0
    cached_tokens: int = 0
    #: Calls of `calls`, or attempts, that were cut off so that nobody can say what they cost.
    unmetered: int = Field(default=0, exclude_if=lambda value: value == 0)
    #: US dollars at list price; None where the model's price is not known (the simulator's is not).
    cost_usd: float | None = omitted()

    def __add__(self, other: "Usage") -> "Usage":
        costs = [cost for cost in (self.cost_usd, other.cost_usd) if cost is not None]
        return Usage(
            calls=self.calls + other.calls,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            thinking_tokens=self.thinking_tokens + other.thinking_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            unmetered=self.unmetered + other.unmetered,
            cost_usd=sum(costs) if costs else None,
        )


#: What an attempt cost, by the model that answered; "" where none did.
Paid = dict[str, Usage]


class Execution(Tolerant):
    """How a step was executed. `attempt` is the one that ended it; `model` is left out where none was called.

    `thinking` and `temperature`: what the model was asked with last, where it was told of them.

    `prompt`: which version of its prompt it was (`penstock prompts list`); left out of steps that have none. `cached`:
    all that it asked a model was answered by replies that were kept; left out where not.
    """

    step: str
    key: str
    attempt: int
    model: str | None = omitted()
    thinking: str | int | None = omitted()
    temperature: float | None = omitted()
    prompt: str | None = omitted()
    cached: bool = Field(default=False, exclude_if=lambda value: not value)
    usage: Usage
    duration_ms: int
