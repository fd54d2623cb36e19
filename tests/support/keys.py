"""Keys for tests."""

from datetime import UTC, datetime
from typing import Any

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
