"""Webhooks: what is queued for delivery, and what a receiver is sent (Standard Webhooks, "full" payload)."""

import base64
from typing import Any, Literal

from penstock.contracts.budgets import Unit
from penstock.contracts.problem import Problem
from penstock.contracts.usage import Usage
from penstock.contracts.wire import Time, Tolerant, omitted


class BudgetWarning(Tolerant):
    """Most of a budget is spent: of the tenant, or, where `budget` is "key", of one of its keys."""

    tenant: str
    budget: Literal["tenant", "key"]
    #: The key's id.
    key: str | None = omitted()
    unit: Unit
    #: The day, such as 2026-11-26, or the month, 2026-11 (UTC).
    window: str
    #: Tokens, or US dollars.
    spent: float
    limit: float


class BudgetWarningBody(Tolerant):
    """The body of such a webhook. `timestamp` is when it was found."""

    type: Literal["budget.warning"] = "budget.warning"
    timestamp: Time
    data: BudgetWarning


class Hook(Tolerant):
    """`hooks.<tenant>.<job>`: the job's end is to be sent to `url`. The end itself is in the journal.

    `hooks.<tenant>.budget=…`: `body` is.
    """

    url: str
    body: BudgetWarningBody | None = omitted()


class EndedJob(Tolerant):
    """A job that has ended. Its steps and times are at `GET /jobs/<id>`."""

    id: str
    pattern: str
    status: Literal["completed", "failed", "cancelled"]
    result: dict[str, Any] | None = omitted()
    #: The whole would have been larger than the deployment sends: fetch the job for what is missing here.
    truncated: bool = False
    problem: Problem | None = omitted()
    missing: tuple[str, ...] = ()
    usage: Usage


class WebhookBody(Tolerant):
    """The body of a webhook. `timestamp` is when the job ended, not when this was sent."""

    type: Literal["job.completed", "job.failed", "job.cancelled"]
    timestamp: Time
    data: EndedJob


def secrets(text: str) -> list[bytes]:
    """The secrets in a setting: `whsec_` and base64 each, separated by blanks; the newest first.

    Raises ValueError, which does not quote any of it.
    """
    found = []
    for part in text.split():
        encoded = part.removeprefix("whsec_")
        try:
            secret = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except ValueError:
            secret = b""
        if encoded == part or not 24 <= len(secret) <= 64:
            raise ValueError("a webhook secret is whsec_ and 24 to 64 bytes in base64")
        found.append(secret)
    if not found:
        raise ValueError("there is no webhook secret in it")
    return found
