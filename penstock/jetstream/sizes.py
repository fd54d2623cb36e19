"""How large the streams are, whether that fits together, and what jobs need of it.

What a job leaves was measured: docs/operations/sizes.md has the table, `python -m bench.stream_bytes` makes it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nats.js import api

from penstock.contracts.waiting import LONGEST_WAIT
from penstock.jetstream import subjects
from penstock.jetstream.measured import BYTES_A_JOB
from penstock.jetstream.streams import stream_configs
from penstock.settings import Settings

DAY = 86_400.0
#: Share of a stream that jobs fill: beyond it no new ones are taken (penstock.jobs.admission).
_FILLED = 0.8
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True, slots=True)
class Size:
    """`age` in seconds, None where it is kept for ever; `a_day`: what a day's jobs leave; `kept`: of it at most."""

    stream: str
    most: int
    age: float | None
    a_day: float
    drops: bool

    @property
    def kept(self) -> float:
        return self.a_day * (self.age or 0) / DAY

    @property
    def lasts(self) -> float:
        """Seconds after which the stream is so full that it drops its oldest, or takes no new jobs."""
        return self.most * (1.0 if self.drops else _FILLED) / self.a_day * DAY


def sizes(settings: Settings, jobs_a_day: int = 0) -> list[Size]:
    """Of each stream, for jobs of all patterns alike; of its partitions together, which jobs fill evenly."""
    each = {
        stream: sum(row.get(stream, 0) for row in BYTES_A_JOB.values()) / len(BYTES_A_JOB)
        for stream in (subjects.JOBS, subjects.JOURNAL, subjects.EVENTS, subjects.CACHE)
    }
    if not settings.cache:
        each[subjects.CACHE] = 0
    return [
        Size(
            stream=str(config.name),
            most=config.max_bytes or 0,
            age=config.max_age or None,
            a_day=each.get(str(config.name), 0) * jobs_a_day,
            drops=config.discard == api.DiscardPolicy.OLD,
        )
        for config in stream_configs(settings.model_copy(update={"partitions": 1}))
    ]


def unfit(settings: Settings, found: list[Size], account: dict[str, Any] | None = None) -> Iterator[str]:
    """A sentence for each thing that does not fit. `account`: what JetStream says of ours, where it was asked.

    That events are kept as long as a job may run, and jobs as long as events and webhooks, Settings itself sees to: no
    process starts otherwise.
    """
    if settings.cache and settings.cache_ttl < 2 * settings.ack_wait:  # penstock.steps.replies
        yield (
            f"PENSTOCK_CACHE_TTL={settings.cache_ttl:g} is less than twice PENSTOCK_ACK_WAIT={settings.ack_wait:g}: who"
            f" asks a model counts as dead after {settings.cache_ttl / 2:g} s, so equal questions may be asked twice"
        )
    letters = next((size.age or 0) / DAY for size in found if size.stream == subjects.DEAD)
    if settings.jobs_max_age_days > letters:
        yield (
            f"PENSTOCK_JOBS_MAX_AGE_DAYS={settings.jobs_max_age_days:g} is more than the {letters:g} days of a dead"
            " letter: a job outlives what is said of why it failed"
        )
    if account is not None:
        yield from _beyond_account(settings, found, account)
    for size in found:
        if size.a_day and size.age and size.lasts < size.age:
            yield _too_small(settings, size)


def longest_wait(settings: Settings) -> float:
    """Seconds that a job can wait for a signal or for time: a longer wait fails as wait_too_long."""
    return settings.jobs_max_age_days * DAY * LONGEST_WAIT


def as_bytes(count: float) -> str:
    for unit in _UNITS:
        if count < 1024 or unit == _UNITS[-1]:
            break
        count /= 1024
    return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"


def as_time(seconds: float) -> str:
    for unit, length in (("d", DAY), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"


def _too_small(settings: Settings, size: Size) -> str:
    # 64: a stream's share of them is rounded down
    needed = math.ceil(settings.store_bytes * size.kept / size.most / (1.0 if size.drops else _FILLED)) + 64
    left = f"these jobs leave {as_bytes(size.kept)} in {as_time(size.age or 0)}"
    what = f"{size.stream} holds {as_bytes(size.most)}, and {left}"
    match size.stream:
        case subjects.CACHE:
            then = f"replies are dropped after {as_time(size.lasts)}, and asked anew"
        case subjects.EVENTS if size.lasts >= settings.deadline:
            then = f"events are dropped after {as_time(size.lasts)}; who reads later is given a snapshot"
        case _:
            then = f"after {as_time(size.lasts)} no new jobs are taken (no_room)"
    return f"{what}: {then}; PENSTOCK_STORE_BYTES={needed} ({as_bytes(needed)}) would do"


def _beyond_account(settings: Settings, found: list[Size], account: dict[str, Any]) -> Iterator[str]:
    """A tier's limit is of what is stored, an account's without tiers of all its copies."""
    copies = settings.stream_replicas
    tier = account.get("tiers", {}).get(f"R{copies}")
    limit = (tier or account).get("limits", {}).get("max_storage", -1)
    whole = sum(size.most for size in found) * (1 if tier else copies)
    if 0 < limit < whole:
        of = f", {copies} copies of each stream" if copies > 1 and not tier else ""
        yield (
            f"the NATS account may store {as_bytes(limit)}, and the streams reserve {as_bytes(whole)}{of}: lower"
            f" PENSTOCK_STORE_BYTES={settings.store_bytes}, or raise the account's max_storage"
        )
