"""Whether a new job is taken: while the fleet keeps up with what waits, NATS has room for what runs, and the tenant for
one more."""

import asyncio
import json
from contextlib import suppress
from datetime import datetime
from typing import Any

import nats.errors

from penstock.budgets.pots import check
from penstock.cancelling import stop
from penstock.contracts.budgets import PayingKey
from penstock.contracts.wire import JobName
from penstock.errors import Refused
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.partitions import stream_of
from penstock.jobs.places import Places
from penstock.jobs.submission import new_job_id
from penstock.settings import Settings

#: Share of a stream or an account above which it takes no new jobs: the rest is for those that run.
FULL = 0.8
#: Seconds for which what was read is good, after which a request waits for it, and that reading may take.
_KEPT, _STALE, _PATIENCE = 1.0, 10.0, 2.0
#: What a job needs room in. A queue or journal that is full refuses; EVENTS and TIMERS drop what is oldest.
_NEEDED = (
    subjects.JOBS,
    subjects.TURNS,
    subjects.STEPS,
    subjects.JOURNAL,
    subjects.EVENTS,
    subjects.HOOKS,
    subjects.TIMERS,
)
#: Where jobs wait, as (stream, consumer).
_QUEUES = (
    (subjects.JOBS, subjects.AGGREGATOR),
    *((subjects.TURNS, subjects.turns_consumer(lane)) for lane in subjects.LANES),
)


class Admission:
    """What it decides by, the tenant's jobs apart, is read at most once a second, however many requests come."""

    def __init__(self, bus: Bus, settings: Settings) -> None:
        self._settings = settings
        self._bus, self._max_backlog, self._deadline = bus, settings.max_backlog, settings.deadline
        self._places, self._tenant_jobs = Places(bus), settings.tenant_jobs
        self._refusal: tuple[str, str] | None = None
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def check(self, job: JobName, *, most: int | None = None, paying: PayingKey | None = None) -> None:
        """Before `job` is submitted; its tenant may have `most` at once, by default what the settings say.

        `paying`: the caller's key.

        Raises Refused: no_room, overloaded, budget_exceeded or too_many_jobs. BusUnavailable where the tenant's jobs,
        or what it has spent, cannot be known.
        """
        self._check_room(job)
        await self._check(job.tenant, paying)
        if most := most or self._tenant_jobs:
            await self._places.take(job, most)

    async def new(self, tenant: str, *, most: int | None = None, paying: PayingKey | None = None) -> JobName:
        """A job with a new id, which has been checked, and is to be submitted at once."""
        streams = self._bus.partitions.streams(subjects.JOBS)
        if all(whys := [self._bus.storage.refuses(stream) for stream in streams]):
            raise Refused("no_room", str(whys[0]))
        await self._check(tenant, paying)
        most = most or self._tenant_jobs
        job = await self._places.new(tenant, most) if most else JobName(tenant, new_job_id())
        try:
            self._check_room(job)
        except Refused:
            self._places.ended(job)
            raise
        return job

    def _check_room(self, job: JobName) -> None:
        if why := self._bus.storage.refuses(stream_of(self._bus.partitions.one(subjects.job("-", job)))):
            raise Refused("no_room", why)

    async def _check(self, tenant: str, paying: PayingKey | None) -> None:
        age = asyncio.get_running_loop().time() - self._read_at
        if age > _KEPT and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read())
        if age > _STALE and self._reading is not None:
            await asyncio.wait({self._reading})
        if self._refusal is not None:
            raise Refused(*self._refusal)
        await check(self._bus, self._settings, tenant, paying)

    def ended(self, job: JobName) -> None:
        """`job`, which may have a place, is over."""
        self._places.ended(job)

    async def aclose(self) -> None:
        await self._places.aclose()
        if self._reading is not None:
            await stop(self._reading)

    async def _read(self) -> None:
        with suppress(TimeoutError, nats.errors.Error):  # publishing the job will fail for the same reason
            of = self._bus.partitions.streams
            queues = [await self._ask(f"CONSUMER.INFO.{one}.{name}") for stream, name in _QUEUES for one in of(stream)]
            account = await self._ask("INFO")
            held = [await self._ask(f"STREAM.INFO.{one}") for stream in _NEEDED for one in of(stream)]
            full = [*_full_account(account), *(one for info in held for one in full_stream(info, self._deadline))]
            self._refusal = None
            if full:
                self._refusal = "no_room", f"{full[0]}; no new jobs are taken until it has room"
            elif sum(waiting.get("num_pending", 0) for waiting in queues) > self._max_backlog:
                self._refusal = "overloaded", f"more than {self._max_backlog} jobs are waiting; try again later"
        self._read_at = asyncio.get_running_loop().time()

    async def _ask(self, about: str) -> dict[str, Any]:
        answer = await self._bus.connection.request(f"$JS.API.{about}", b"", _PATIENCE)
        asked: dict[str, Any] = json.loads(answer.data)
        return asked


def _full_account(account: dict[str, Any]) -> list[str]:
    """The server's own limit cannot be asked for: `penstock streams` reserves what the streams may hold of it."""
    limits = [account, *account.get("tiers", {}).values()]
    shares = [one["storage"] / most for one in limits if (most := one.get("limits", {}).get("max_storage", -1)) > 0]
    return [f"the NATS account is {share:.0%} full" for share in shares if share > FULL]


def full_stream(info: dict[str, Any], deadline: float) -> list[str]:
    """A log that drops its oldest events is full only where those are younger than the `deadline` of most jobs."""
    if (most := info.get("config", {}).get("max_bytes", -1)) <= 0 or (share := info["state"]["bytes"] / most) <= FULL:
        return []
    if info["config"]["discard"] == "old" and info["config"]["name"] != subjects.TIMERS:  # none of those may be dropped
        first, now = (datetime.fromisoformat(time) for time in (info["state"]["first_ts"], info["ts"]))
        if (now - first).total_seconds() > deadline:
            return []
    return [f"the stream {info['config']['name']} is {share:.0%} full (PENSTOCK_STORE_BYTES)"]
