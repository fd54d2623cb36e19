"""The budgets that a call is paid from. Each is two counters: what is spent, and that with what calls hold."""

from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

from penstock.contracts.budgets import Allowance, PayingKey, Unit
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
    """`limit`: tokens, or billionths of a US dollar. `whose`: as it is said to callers. `name`: of its counters.

    `window`: the day or month (UTC) of a tenant's, or of that of the tenant's `key`; None for a job's.
    """

    whose: str
    unit: Unit
    limit: int
    name: str
    tenant: str = ""
    key: str | None = None
    window: str | None = None

    @property
    def held(self) -> str:
        """The counter of what calls may yet spend and have spent."""
        return self._counter("held")

    @property
    def spent(self) -> str:
        return self._counter("spent")

    @property
    def warned(self) -> str:
        """Above 0 once it was told that most of it is spent."""
        return self._counter("warned")

    def _counter(self, what: str) -> str:
        if self.window is None:
            return subjects.counter(self.unit, what, job=self.name)
        return subjects.counter("budget", self.name, self.unit, what)

    def amount(self, usage: Usage, model: str) -> int | None:
        """What a call takes out of it; None where the model has no price, and it is one of money."""
        if self.unit == "tokens":
            return usage.prompt_tokens + usage.output_tokens + usage.thinking_tokens
        cost = cost_usd(usage, model)
        return None if cost is None else ceil(cost * _NANO)

    def told(self, amount: int) -> float:
        return amount if self.unit == "tokens" else amount / _NANO

    def shown(self, amount: int) -> str:
        return f"{amount:,} tokens" if self.unit == "tokens" else f"{self.told(amount):.4f} USD"

    def exceeded(self, why: str) -> Failure:
        return Failure("budget_exceeded", f"{self.whose} is {self.shown(self.limit)}: {why}")


def pots_of(settings: Settings, job: JobName, own: Budget | None, key: PayingKey | None, now: float) -> list[Pot]:
    """Those that a job's calls are paid from, at Unix time `now`."""
    pots = _lasting(settings, job.tenant, key, now)
    if own is not None:
        limits: dict[Unit, float | None] = {"tokens": own.tokens, "usd": own.usd}
        for unit, limit in limits.items():
            if limit is not None:
                pots.append(Pot("the budget of the job", *_counted(limit, unit), str(job)))
    return pots


async def check(bus: Bus, settings: Settings, tenant: str, key: PayingKey | None) -> None:
    """Raises Refused, 402, where a budget of the tenant or of its key is spent."""
    for pot in _lasting(settings, tenant, key, bus.time.now()):
        if await value(bus, pot.spent) >= pot.limit:
            raise Refused("budget_exceeded", f"{pot.whose} is spent: {pot.shown(pot.limit)}")


def _lasting(settings: Settings, tenant: str, key: PayingKey | None, now: float) -> list[Pot]:
    """The tenant's own, else those of all that have none, and the key's; of two of one unit and window the smaller."""
    budgets = settings.budgets
    allowed = [one for whose, one in budgets if whose == tenant] or [one for whose, one in budgets if whose == "*"]
    pots = [_pot(one, tenant, None, now) for one in allowed]
    if key is not None:
        pots += [_pot(Allowance.of(text), tenant, key.id, now) for text in key.budgets]
    # two of one unit and window are one counter, to which a call is added once
    strictest: dict[str, Pot] = {}
    for pot in pots:
        if pot.held not in strictest or pot.limit < strictest[pot.held].limit:
            strictest[pot.held] = pot
    return list(strictest.values())


def _pot(one: Allowance, tenant: str, key: str | None, now: float) -> Pot:
    """A key's counters are its tenant's, too: whoever names another tenant's key spends nothing of it."""
    today = datetime.fromtimestamp(now, UTC).date().isoformat()
    window = today if one.window == "day" else today[:7]
    whose, name = (f"the key {key}", f"key.{tenant}.{key}") if key else (tenant, f"tenant.{tenant}")
    counted = _counted(one.amount, one.unit)
    return Pot(f"the budget of {whose} in {window}", *counted, f"{name}.{window}", tenant, key, window)


def _counted(amount: float, unit: Unit) -> tuple[Unit, int]:
    return unit, round(amount * _NANO) if unit == "usd" else int(amount)
