"""What may be spent in a day or a month, as settings and keys say it: `5usd/day`, `1000000tokens/month`."""

import re
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator

from penstock.contracts.wire import Token, Tolerant

Unit = Literal["tokens", "usd"]
_FORM = re.compile(r"([0-9]{1,15}|[0-9]{1,9}\.[0-9]{1,6})(tokens|usd)/(day|month)")


class Allowance(NamedTuple):
    """Days and months are those of UTC."""

    amount: float
    unit: Unit
    window: Literal["day", "month"]

    @classmethod
    def of(cls, text: str) -> "Allowance":
        """Raises ValueError."""
        match = _FORM.fullmatch(text)
        # of tokens a part is nothing
        if match is None or (float(match[1]) if match[2] == "usd" else int(float(match[1]))) <= 0:
            raise ValueError(f"20usd/month or 1000000tokens/day is needed, not {text[:100]!r}")
        unit: Unit = "usd" if match[2] == "usd" else "tokens"
        return cls(float(match[1]), unit, "day" if match[3] == "day" else "month")


def _readable(text: str) -> str:
    Allowance.of(text)
    return text


#: What `Allowance.of` reads.
AllowanceText = Annotated[str, AfterValidator(_readable)]


class PayingKey(Tolerant):
    """The key that a job was submitted with, and what may be spent with it, as it was known then."""

    id: Token
    budgets: tuple[AllowanceText, ...] = ()
