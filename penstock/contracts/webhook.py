"""Webhooks: what is queued for delivery, and what a receiver is sent (Standard Webhooks, "full" payload)."""

from typing import Any, Literal

from penstock.contracts.problem import Problem
from penstock.contracts.usage import Usage
from penstock.contracts.wire import Fact, omitted


class Hook(Fact):
    """`hooks.<job>`: the job's end is to be sent to `url`. The end itself is in the journal."""

    url: str


class EndedJob(Fact):
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


class WebhookBody(Fact):
    """The body of a webhook. `timestamp` (RFC 3339, UTC) is when the job ended, not when this was sent."""

    type: Literal["job.completed", "job.failed", "job.cancelled"]
    timestamp: str
    data: EndedJob
