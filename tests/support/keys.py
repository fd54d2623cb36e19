"""Keys for tests."""

import re
from datetime import UTC, datetime
from typing import Any

import httpx

from penstock.callers.keys import Keys, NewKey, make
from penstock.jetstream.bus import Bus


async def new_key(bus: Bus, tenant: str = "default", **more: Any) -> NewKey:
    """A key that NATS has when this returns."""
    made = make("test", tenant, created=datetime.now(UTC).replace(microsecond=0), **more)
    await Keys(bus).add(made.key)
    return made


def bearer(made: NewKey | str) -> dict[str, str]:
    """The headers of who has it."""
    return {"Authorization": f"Bearer {made if isinstance(made, str) else made.text}"}


def told(answer: httpx.Response) -> tuple[int, dict[str, str], str]:
    """All that an answer says, but when it was; to compare two to requests with the same X-Request-Id."""
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    return answer.status_code, headers, re.sub(r'"timestamp":"[^"]*"', "", answer.text)
