import re
from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from penstock.settings.group import Group

_FORM = re.compile(r"(\*|[a-z0-9][a-z0-9-]{0,31})=([0-9]{1,15}|[0-9]{1,9}\.[0-9]{1,6})(tokens|usd)/(day|month)")


class Allowance(NamedTuple):
    """What a tenant, or `*`, each that has none of its own, may spend in a day or a month (UTC)."""

    tenant: str
    amount: float
    unit: Literal["tokens", "usd"]
    window: Literal["day", "month"]


def _read(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = []
    for one in filter(None, (part.strip() for part in value.split(","))):
        if (match := _FORM.fullmatch(one)) is None or float(match[2]) <= 0:
            raise ValueError(f"acme=20usd/month, or *=1000000tokens/day, is needed, not {one[:100]!r}")
        found.append((match[1], float(match[2]), match[3], match[4]))
    return tuple(found)


class Budgets(Group):
    """Budgets"""

    budgets: Annotated[tuple[Allowance, ...], NoDecode, BeforeValidator(_read)] = Field(
        (),
        description="What tenants may spend: `acme=20usd/month`, `*=1000000tokens/day` for each that has none of its "
        "own. To workers, gateways and aggregators alike.",
    )
