"""Claim: expenses are paid, if they are small or somebody approves of them.

                        ┌─ at most 200.00 ───────────────────┐
receipts ──▶ report ──▶─┤                                    ├──▶ an hour later ──▶ PAY ──▶ payment
                        └─ more ──▶ wait for the approval ───┘
                                        └──▶ refused, or nobody says anything for five days ──▶ none
"""

import os
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field

from patterns.receipt.pattern import Money
from patterns.report.pattern import PATTERN as REPORT
from patterns.report.pattern import Report
from penstock import Depends, Pattern, PatternRequest, Run, Step, WaitTimedOut, Wire

LIMIT = 200_00


class ClaimRequest(PatternRequest):
    employee: str
    receipts: tuple[str, ...] = Field(min_length=1, max_length=50, description="The text of each.")
    minutes_to_object: float = Field(60, ge=0, description="So long the money stays after the approval.")


class Approval(Wire):
    approved: bool
    reason: str


class Payment(Wire):
    id: UUID
    employee: str
    amount: Money
    ordered: datetime


class Claim(Wire):
    report: Report
    approval: Approval
    payment: Payment | None


def ledger() -> Iterator[sqlite3.Connection]:
    """Open for as long as the process serves the step."""
    opened = sqlite3.connect(os.environ.get("EXPENSES_LEDGER", "ledger.sqlite"), isolation_level=None)
    opened.execute("create table if not exists payments (id primary key, employee, cents, currency)")
    yield opened
    opened.close()


async def pay(given: Payment, ledger: Annotated[sqlite3.Connection, Depends(ledger)]) -> Payment:
    """A process may die after this and before it is journaled; then it is called again, with the same id."""
    values = (str(given.id), given.employee, given.amount.cents, given.amount.currency)
    ledger.execute("insert or ignore into payments values (?, ?, ?, ?)", values)
    return given


PAY = Step(name="pay", input=Payment, output=Payment, do=pay)


async def claim(run: Run, request: ClaimRequest) -> Claim:
    report = await run.sub(REPORT, {"receipts": request.receipts}, into="/report")
    approval = Approval(approved=True, reason="It is a small sum.")
    if report.total.cents > LIMIT:
        try:
            approval = await run.wait("approval", Approval, timeout=timedelta(days=5).total_seconds())
        except WaitTimedOut:
            approval = Approval(approved=False, reason="Nobody has approved of it.")
    run.put("/approval", approval)
    payment = None
    if approval.approved:
        await run.sleep(60 * request.minutes_to_object)
        order = Payment(id=run.uuid(), employee=request.employee, amount=report.total, ordered=await run.now())
        payment = await run.step(PAY, order, into="/payment")
    return Claim(report=report, approval=approval, payment=payment)


PATTERN = Pattern(
    name="claim",
    summary="Pay expenses.",
    run=claim,
    request=ClaimRequest,
    result=Claim,
    steps=(PAY,),
    subs=(REPORT,),
    signals={"approval": Approval},
    example=ClaimRequest(
        employee="Ada",
        receipts=("Night train, 3 March 2026, 128.50 EUR", "Hotel, 4 March 2026, 152.00 EUR"),
        minutes_to_object=0,
    ),
)
