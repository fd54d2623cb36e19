"""Webhooks: what is queued for delivery, and what a receiver is sent (Standard Webhooks, "full" payload)."""

import base64
import binascii
from typing import Any, Literal

from penstock.contracts.problem import Problem
from penstock.contracts.usage import Usage
from penstock.contracts.wire import Time, Tolerant, omitted


class Hook(Tolerant):
    """`hooks.<job>`: the job's end is to be sent to `url`. The end itself is in the journal."""

    url: str


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


_WHSEC = "whsec_"
#: Bytes of a secret, by the specification.
_SHORTEST_SECRET, _LONGEST_SECRET = 24, 64


def secrets(text: str) -> list[bytes]:
    """The secrets in a setting: `whsec_` and base64 each, separated by blanks; the newest first.

    Raises ValueError, which does not quote any of it.
    """
    found = []
    for part in text.split():
        encoded = part.removeprefix(_WHSEC)
        try:
            secret = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except (binascii.Error, ValueError):
            secret = b""
        if encoded == part or not _SHORTEST_SECRET <= len(secret) <= _LONGEST_SECRET:
            raise ValueError(
                f"a webhook secret is {_WHSEC} and {_SHORTEST_SECRET} to {_LONGEST_SECRET} bytes in base64"
            )
        found.append(secret)
    if not found:
        raise ValueError("there is no webhook secret in it")
    return found
