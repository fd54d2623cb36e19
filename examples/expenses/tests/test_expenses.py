"""Patterns by themselves, with all their replays, and on the whole system."""

import asyncio
from datetime import date

from patterns.claim.pattern import PATTERN as CLAIM
from patterns.claim.pattern import Approval, Claim
from patterns.exchange.pattern import convert
from patterns.receipt.pattern import Money, Receipt
from patterns.report.pattern import PATTERN as REPORT
from penstock.testing import PatternTest
from penstock.testing.system import System


def hotel(cents: int, currency: str = "EUR") -> Receipt:
    return Receipt(merchant="Hotel Post", day=date(2026, 3, 3), total=Money(cents=cents, currency=currency))


def test_a_report_adds_up_what_it_has_converted() -> None:
    report = PatternTest(REPORT, steps={"read": [hotel(100_00), hotel(108_00, "USD")], "convert": convert})
    run = asyncio.run(report.run({"receipts": ["Hotel Post, 100 EUR", "Post Hotel, 108 USD"]}))
    assert run.result.total == Money(cents=200_00, currency="EUR")
    assert "Post Hotel, 108 USD" in run.steps["receipt-2__read-1"].prompt


def test_a_large_claim_that_nobody_approves_of_is_not_paid() -> None:
    claim = PatternTest(CLAIM, steps={"read": hotel(500_00), "convert": convert})
    run = asyncio.run(claim.run())  # five days pass at once
    assert run.result.approval.reason == "Nobody has approved of it."
    assert run.result.payment is None


def test_a_large_claim_is_paid_an_hour_after_the_approval() -> None:
    approval = Approval(approved=True, reason="I was there.")
    steps = {"read": hotel(500_00), "convert": convert, "pay": lambda payment: payment}
    run = asyncio.run(PatternTest(CLAIM, steps=steps, signals={"approval": approval}).run())
    assert run.result.payment is not None
    assert run.result.payment.amount == Money(cents=2 * 500_00, currency="EUR")


def test_the_whole_system_pays_what_is_approved_of(penstock_system: System) -> None:
    penstock_system.simulator.answer("read", hotel(500_00))
    client = penstock_system.client
    with client.stream(CLAIM, {"employee": "Ada", "receipts": ["Hotel Post"], "minutesToObject": 0}) as events:
        for event in events:
            if event.type == "job.waiting" and event.signal:
                client.signal(events.job, event.signal, Approval(approved=True, reason="I was there."))
    claim = Claim.model_validate(client.state(events.job).result)
    assert claim.payment is not None
