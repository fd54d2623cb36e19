"""The budgets that a call is paid from. Each is two counters: what is spent, and that with what calls hold."""

from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Literal

from penstock.contracts.options import Budget
from penstock.contracts.usage import Usage
from penstock.contracts.wire import JobName
from penstock.errors import Failure, Refused
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.counters import value
from penstock.llm.usage import cost_usd
from penstock.settings import Settings

#: Counters are whole numbers.
_NANO = 1_000_000_000


@dataclass(frozen=True)
class Pot:
    """`limit`: tokens, or billionths of a US dollar. `whose`: as it is said to callers. `name`: of its counters."""

    whose: str
    unit: Literal["tokens", "usd"]
    limit: int
    name: str

    @property
    def held(self) -> str:
        """The counter of what calls may yet spend and have spent."""
        return subjects.counter("budget", self.name, self.unit, "held")

    @property
    def spent(self) -> str:
        return subjects.counter("budget", self.name, self.unit, "spent")

    def amount(self, usage: Usage, model: str) -> int | None:
        """What a call takes out of it; None where the model has no price, and it is one of money."""
        if self.unit == "tokens":
            return usage.prompt_tokens + usage.output_tokens + usage.thinking_tokens
        cost = cost_usd(usage, model)
        return None if cost is None else ceil(cost * _NANO)

    def shown(self, amount: int) -> str:
        return f"{amount:,} tokens" if self.unit == "tokens" else f"{amount / _NANO:.4f} USD"

    def exceeded(self, why: str) -> Failure:
        return Failure("budget_exceeded", f"{self.whose} is {self.shown(self.limit)}: {why}")


def pots_of(settings: Settings, job: JobName, own: Budget | None, now: float) -> list[Pot]:
    """Those that a job's calls are paid from, at Unix time `now`."""
    pots = _tenant_pots(settings, job.tenant, now)
    if own is not None:
        for unit, limit in (("tokens", own.tokens), ("usd", own.usd)):
            if limit is not None:
                pots.append(_pot("the budget of the job", unit, limit, f"job.{job}"))
    return pots


async def check(bus: Bus, settings: Settings, tenant: str) -> None:
    """Raises Refused, 402, where a tenant's budget is spent."""
    for pot in _tenant_pots(settings, tenant, bus.time.now()):
        if await value(bus, pot.spent) >= pot.limit:
            raise Refused("budget_exceeded", f"{pot.whose} is spent: {pot.shown(pot.limit)}")


def _tenant_pots(settings: Settings, tenant: str, now: float) -> list[Pot]:
    """Its own, else those of all that have none."""
    today = datetime.fromtimestamp(now, UTC).date().isoformat()
    allowed = [one for one in settings.budgets if one.tenant == tenant]
    pots = []
    for one in allowed or [one for one in settings.budgets if one.tenant == "*"]:
        window = today if one.window == "day" else today[:7]
        pots.append(_pot(f"the budget of {tenant} in {window}", one.unit, one.amount, f"tenant.{tenant}.{window}"))
    return pots


def _pot(whose: str, unit: str, limit: float, name: str) -> Pot:
    return Pot(whose, "usd", round(limit * _NANO), name) if unit == "usd" else Pot(whose, "tokens", int(limit), name)
