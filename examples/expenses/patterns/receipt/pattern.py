"""Receipt: what stands on a receipt, in fields.

text ──▶ READ (a prompt) ──▶ receipt
"""

from datetime import date
from typing import Annotated

from pydantic import Field

from penstock import Pattern, PatternRequest, Run, Step, Wire

Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", examples=["EUR"])]


class ReceiptRequest(PatternRequest):
    text: str = Field(min_length=1, max_length=10_000, description="The text of a receipt.")


class Text(Wire):
    text: str


class Money(Wire):
    cents: int = Field(description="In hundredths of the currency.", examples=[128_50])
    currency: Currency


class Receipt(Wire):
    merchant: str
    day: date
    total: Money


READ = Step(name="read", input=Text, output=Receipt)


async def receipt(run: Run, request: ReceiptRequest) -> Receipt:
    return await run.step(READ, Text(text=request.text), into="")


PATTERN = Pattern(
    name="receipt",
    summary="Read a receipt.",
    run=receipt,
    request=ReceiptRequest,
    result=Receipt,
    steps=(READ,),
    example=ReceiptRequest(text="Night train Vienna to Rome, 3 March 2026, total 128.50 EUR"),
)
