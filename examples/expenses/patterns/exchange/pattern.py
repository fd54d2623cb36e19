"""Exchange: an amount in another currency, by the table in rates.json.

amount ──▶ CONVERT (a function) ──▶ amount
"""

import json
from pathlib import Path
from typing import Annotated

from patterns.receipt.pattern import Currency, Money
from penstock import Depends, Failure, Pattern, PatternRequest, Run, Step, Wire

Rates = dict[str, float]


class ExchangeRequest(PatternRequest):
    cents: int
    currency: Currency
    to: Currency


class Conversion(Wire):
    money: Money
    to: Currency


def rates() -> Rates:
    """Called once a process, when a service starts that executes the step. It may be a generator that closes things."""
    table: Rates = json.loads(Path(__file__).with_name("rates.json").read_text())
    return table


async def convert(given: Conversion, rates: Annotated[Rates, Depends(rates)]) -> Money:
    try:
        rate = rates[given.to] / rates[given.money.currency]
    except KeyError as unknown:
        raise Failure("rejected", f"There is no rate for {unknown}.") from unknown
    return Money(cents=round(given.money.cents * rate), currency=given.to)


CONVERT = Step(name="convert", input=Conversion, output=Money, do=convert, service="rates")


async def exchange(run: Run, request: ExchangeRequest) -> Money:
    money = Money(cents=request.cents, currency=request.currency)
    return await run.step(CONVERT, Conversion(money=money, to=request.to), into="")


PATTERN = Pattern(
    name="exchange",
    summary="Convert an amount.",
    run=exchange,
    request=ExchangeRequest,
    result=Money,
    steps=(CONVERT,),
    example=ExchangeRequest(cents=10_800, currency="USD", to="EUR"),
)
