"""Whole numbers that many processes add to at once: each addition returns the sum it made (ADR-49 of NATS).

The server adds, so no addition is lost or made twice, whatever the number of writers, and the sums that they are
returned are all different: who decides by the sum of its own addition needs no lock and no check before it.

A counter is a subject of COUNTERS. It is gone, and 0 again, 32 days after the last addition: NATS has no shorter
life for single counters, so name the window in the subject (`counters.budget.<tenant>.2026-11`). Where the stream is
full those are gone whose last addition is oldest: what there is one of for each job is a subject of SPENDING.
"""

import json
from uuid import uuid4

from penstock.jetstream.bus import Bus


async def add(bus: Bus, subject: str, amount: int) -> int:
    """Add `amount`, which may be negative, and return the sum.

    An addition whose answer was lost is repeated under the same Nats-Msg-Id, so it counts once; the sum is then read,
    and may have what others added since. Raises BusUnavailable: whether it was added is not known.
    """
    headers = {"Nats-Incr": f"{amount:+d}", "Nats-Msg-Id": uuid4().hex}

    async def attempt() -> int | None:
        stored = await bus.put(subject, b"", headers)
        return int(stored["val"]) if "val" in stored else None  # not: a duplicate

    total = await bus.retrying(f"add to {subject}", attempt)
    return await value(bus, subject) if total is None else total


async def value(bus: Bus, subject: str) -> int:
    """The sum, as the stream's leader has it; 0 where nothing was added yet."""
    stored = await bus.last_from_leader(subject)
    return int(json.loads(stored.data)["val"]) if stored else 0
