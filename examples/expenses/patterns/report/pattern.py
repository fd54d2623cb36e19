"""Report: several receipts, read at the same time, and what they come to.

          ┌──▶ receipt (a pattern) ──┐
texts ──▶─┼──▶ receipt               ├──▶ CONVERT each (a map) ──▶ total
          └──▶ receipt ──────────────┘
"""

import asyncio

from pydantic import Field

from patterns.exchange.pattern import CONVERT, Conversion
from patterns.receipt.pattern import PATTERN as RECEIPT
from patterns.receipt.pattern import Currency, Money, Receipt
from penstock import Pattern, PatternRequest, Run, Wire


class ReportRequest(PatternRequest):
    receipts: tuple[str, ...] = Field(min_length=1, max_length=50, description="The text of each.")
    currency: Currency = "EUR"


class Report(Wire):
    receipts: tuple[Receipt, ...]
    amounts: tuple[Money, ...]
    total: Money


async def report(run: Run, request: ReportRequest) -> Report:
    reading = [
        run.sub(RECEIPT, {"text": text}, into=f"/receipts/{number}") for number, text in enumerate(request.receipts)
    ]
    receipts = await asyncio.gather(*reading)
    run.close("/receipts")
    conversions = [Conversion(money=one.total, to=request.currency) for one in receipts]
    amounts = await run.map(CONVERT, conversions, into="/amounts")
    total = Money(cents=sum(one.cents for one in amounts), currency=request.currency)
    return Report(receipts=tuple(receipts), amounts=tuple(amounts), total=total)


PATTERN = Pattern(
    name="report",
    summary="Add up receipts.",
    run=report,
    request=ReportRequest,
    result=Report,
    steps=(CONVERT,),
    subs=(RECEIPT,),
    example=ReportRequest(receipts=("Night train, 3 March 2026, 128.50 EUR", "Taxi, 4 March 2026, 21.60 USD")),
)
