"""Who makes a request, and how much he may ask for."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from penstock.contracts.budgets import AllowanceText, PayingKey
from penstock.contracts.wire import DEFAULT_TENANT, Tolerant, omitted
from penstock.settings.group import Rate


class Limits(Tolerant):
    """What a key may use. What is not given is as the settings say.

    A gateway that does not know a limit that a newer one has written does without it.
    """

    rate: Rate | None = omitted()
    #: Requests at once: the rate's window is as much longer or shorter (penstock.callers.rate).
    burst: Annotated[int, Field(ge=1)] | None = omitted()
    #: Jobs of the tenant at once.
    jobs: Annotated[int, Field(ge=1, le=1000)] | None = omitted()
    #: What may be spent, beside what the tenant may.
    budgets: tuple[AllowanceText, ...] | None = omitted()


_AS_SET = Limits()


@dataclass(frozen=True, slots=True)
class Caller:
    """`key` is the id of the key that was shown: None for a caller without one, whom an open gateway serves.

    An `admin` sees the jobs of all tenants; what he submits is his own tenant's.
    """

    tenant: str = DEFAULT_TENANT
    key: str | None = None
    name: str = ""
    admin: bool = False
    limits: Limits = _AS_SET

    @property
    def paying_key(self) -> PayingKey | None:
        """What travels with his jobs."""
        return PayingKey(id=self.key, budgets=self.limits.budgets or ()) if self.key else None
