"""Jobs that ask for a webhook, and what they are told by it."""

import time
from typing import Any

from standardwebhooks import Webhook

from penstock.contracts.journal import END, JobEnd
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from tests.support.naming import named
from tests.webhooks.conftest import SECRET
from tests.webhooks.receiver import Received


def asking(url: str) -> dict[str, Any]:
    return {"query": "Our API answers 502 since the deploy", "options": {"webhook": url}}


def verified(received: Received) -> dict[str, Any]:
    """The payload, once the reference library has accepted headers and body."""
    payload: dict[str, Any] = Webhook(SECRET).verify(received.body, received.headers)
    return payload


async def ended(bus: Bus, job: str, pattern: str) -> None:
    """The journal's end of a job."""
    end = JobEnd(pattern=pattern, status="cancelled", ended_at=time.time())
    await bus.once(subjects.journal(named(job), END), end.model_dump_json().encode())
