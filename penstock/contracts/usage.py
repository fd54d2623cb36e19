"""What steps and jobs cost: tokens, money and time."""

from datetime import date
from typing import Any, Literal

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


class Sum(Tolerant):
    """What many calls cost together."""

    calls: int = 0
    prompt_tokens: int = 0
    output_tokens: int = 0
    thinking_tokens: int = 0
    cached_tokens: int = 0
    #: Calls, or attempts, of which nobody can say what they cost: they are in no other number but `calls`.
    unmetered: int = 0
    #: US dollars of the calls whose model has a price; null where none has, and then it is not known, not 0.
    cost_usd: float | None = None
    #: Calls with tokens and without a price.
    unpriced_calls: int = 0

    @classmethod
    def of(cls, usage: Usage) -> "Sum":
        """Of one model's calls. Those without a token have cost nothing that is known."""
        tokens = usage.prompt_tokens + usage.output_tokens + usage.thinking_tokens
        unpriced = usage.calls - usage.unmetered if tokens and usage.cost_usd is None else 0
        return cls(**usage.model_dump(by_alias=False), unpriced_calls=unpriced)

    def plus(self, other: "Sum") -> dict[str, Any]:
        """The members of both together."""
        added = {name: getattr(self, name) + getattr(other, name) for name in Sum.model_fields if name != "cost_usd"}
        costs = [cost for cost in (self.cost_usd, other.cost_usd) if cost is not None]
        return added | {"cost_usd": round(sum(costs), 12) if costs else None}


class UsageRow(Sum):
    """All that was used, of which `wasted` is what nothing came of: by what was asked for of day, tenant and so on.

    `model` is "" where nobody can say which.
    """

    day: date | None = omitted()
    tenant: str | None = omitted()
    pattern: str | None = omitted()
    step: str | None = omitted()
    model: str | None = omitted()
    wasted: Sum = Sum()

    def add(self, other: "UsageRow") -> "UsageRow":
        """With the other's numbers as well."""
        return self.model_copy(update=self.plus(other) | {"wasted": Sum(**self.wasted.plus(other.wasted))})


#: What usage can be told by, in the order of columns.
By = Literal["day", "tenant", "pattern", "step", "model"]


class UsageReport(Tolerant):
    """What `GET /usage` answers: the days from the first to the last, in UTC, both included."""

    first: date = Field(alias="from")
    last: date = Field(alias="to")
    rows: tuple[UsageRow, ...]
    total: UsageRow
    #: The price lists that went into it: each call by the one that its worker had at the time.
    prices: tuple[str, ...]
