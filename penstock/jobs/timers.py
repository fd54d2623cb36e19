"""Timers that outlive every process of ours: NATS itself publishes what is due, and any aggregator takes it."""

from datetime import UTC, datetime

from penstock.contracts.wire import JobName, rfc3339
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus


async def set_timer(bus: Bus, job: JobName, key: str, until: datetime) -> None:
    """Have `timers.<tenant>.<job>.due.<key>` published at `until`, and not earlier; at once if that has been.

    Set again it is the same timer. One that was due may be so once more: what follows from it is written once.
    """
    at = {"Nats-Schedule": f"@at {rfc3339(until)}", "Nats-Schedule-Target": subjects.due(job, key)}
    await bus.append(subjects.timer(job, key), b"", headers=at)


async def wake(bus: Bus, job: JobName, why: str) -> None:
    """Have any aggregator look after a job that is parked. `why` is no token, so that it is the key of no timer."""
    await bus.append(subjects.due(job, why), datetime.now(UTC).isoformat().encode())
