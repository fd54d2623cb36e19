import re
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from penstock.contracts.budgets import Allowance
from penstock.contracts.options import WebhookUrl
from penstock.settings.group import Group

_TENANT = re.compile(r"\*|[a-z0-9][a-z0-9-]{0,31}")


def _read(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = []
    for one in filter(None, (part.strip() for part in value.split(","))):
        tenant, _, allowance = one.partition("=")
        if not _TENANT.fullmatch(tenant):
            raise ValueError(f"acme=20usd/month, or *=1000000tokens/day, is needed, not {one[:100]!r}")
        found.append((tenant, Allowance.of(allowance)))
    return tuple(found)


class Budgets(Group):
    """Budgets"""

    budgets: Annotated[tuple[tuple[str, Allowance], ...], NoDecode, BeforeValidator(_read)] = Field(
        (),
        description="What tenants may spend: `acme=20usd/month`, `*=1000000tokens/day` for each that has none of its "
        "own. To workers, gateways and aggregators alike.",
    )
    budget_webhook: WebhookUrl | None = Field(
        None,
        description="URL that is told, once, of each budget of a tenant or key of which 80 % is spent. "
        "To workers, and to aggregators, which deliver it and need PENSTOCK_WEBHOOK_SECRET.",
    )
