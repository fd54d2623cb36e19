"""Jobs that nobody has room for wait in the lanes of TURNS, by their names; what they are stays in JOBS (adr/0028)."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from nats.aio.msg import Msg

from penstock import correlation
from penstock.contracts.options import Urgency
from penstock.contracts.wire import JobName
from penstock.errors import Failure
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.consumers import delivered
from penstock.jetstream.settling import GivenUp, settling
from penstock.jobs.lookup import unix
from penstock.jobs.submission import parse_request
from penstock.pattern import Pattern

#: Seconds for which is believed what was found of a tenant's share.
_KNOWN_FOR = 1.0


@dataclass(frozen=True, slots=True)
class Submitted:
    """A job as it was submitted, `at` what Unix time."""

    body: bytes
    at: float
    headers: Mapping[str, str] | None = None


class Turns:
    """Of one aggregator. `share`: with so many jobs that run here, or in a lane, a tenant's next are in `over`."""

    def __init__(self, bus: Bus, patterns: Mapping[str, Pattern[Any, Any]], share: int) -> None:
        self._bus, self._patterns, self._share = bus, patterns, share
        self._queueing = asyncio.Lock()
        self._running: Counter[str] = Counter()
        #: When it was last found that more of this urgency, of this tenant, are beyond its share.
        self._over: dict[tuple[str, Urgency], float] = {}

    async def queue(self, message: Msg) -> None:
        """Have the job of a message of JOBS wait for whichever aggregator has room first; acked once it does."""
        pattern, job = subjects.of_job(message.subject)
        about = {**job.about, "pattern": pattern, "delivery": message.metadata.num_delivered}
        async with settling(self._bus, message, "job", about):
            if message.metadata.num_delivered > 1 and await self._has(pattern, job):
                return
            urgency = self._urgency(pattern, message.data)
            async with AsyncExitStack() as stack:
                if not self._is_over(job.tenant, urgency):  # one after the other, so that each is counted by the next
                    await stack.enter_async_context(self._queueing)
                lane = await self._lane(job.tenant, urgency)
                await self._bus.once(subjects.turn(lane, pattern, job), b"")

    async def submitted(self, message: Msg) -> Submitted | None:
        """The job of a message of JOBS or TURNS. None where it is one of JOBS, and the job waits in TURNS, or did.

        Raises GivenUp for a turn of a job that is past its retention.
        """
        pattern, job = subjects.of_job(message.subject)
        if subjects.stream_of(message.subject) == subjects.JOBS:
            if message.metadata.num_delivered > 1 and await self._has(pattern, job):
                return None
            return Submitted(message.data, message.metadata.timestamp.timestamp(), message.headers)
        return await self.of_job(pattern, job)

    async def of_job(self, pattern: str, job: JobName) -> Submitted:
        """What JOBS keeps of it; what is done from here on came of its request.

        Raises GivenUp for one that is past its retention.
        """
        stored = await self._bus.last_from_leader(subject := subjects.job(pattern, job))
        if stored is None:
            raise GivenUp("unknown_job", f"{subject} is past its retention")
        correlation.go_by(stored.headers)
        return Submitted(stored.data, unix(stored.time), stored.headers)

    @contextmanager
    def running(self, tenant: str) -> Iterator[None]:
        """A job of the tenant runs here."""
        self._running[tenant] += 1
        try:
            yield
        finally:
            self._running -= Counter((tenant,))

    async def _has(self, pattern: str, job: JobName) -> bool:
        """Whether the job waits for its turn, or has it just now."""
        return await self._bus.last_from_leader(subjects.turn("*", pattern, job)) is not None

    def _urgency(self, pattern: str, body: bytes) -> Urgency:
        try:
            return parse_request(self._patterns, pattern, body).options.urgency
        except Failure:  # it will be said when it is its turn
            return "normal"

    async def _lane(self, tenant: str, urgency: Urgency) -> str:
        if self._is_over(tenant, urgency):
            return subjects.OVER
        every = JobName(tenant, "*")
        there = subjects.turn(urgency, "*", every)
        counting = partial(self._bus.jetstream.stream_info, subjects.TURNS, subjects_filter=there)
        behind = urgency != subjects.HIGH and await self._is_behind(subjects.turn(subjects.OVER, "*", every))
        # where it is behind, a tenant's jobs stay in the order they came in
        if not behind:
            info = await self._bus.retrying(f"count {there}", counting)
            behind = len(info.state.subjects or ()) >= self._share
        if behind:
            self._over[tenant, urgency] = self._bus.time.now()
        return subjects.OVER if behind else urgency

    def _is_over(self, tenant: str, urgency: Urgency) -> bool:
        """Whether it is known without asking."""
        return self._running[tenant] >= self._share or (
            self._bus.time.now() - self._over.get((tenant, urgency), 0) < _KNOWN_FOR
        )

    async def _is_behind(self, wanted: str) -> bool:
        """Whether any of these was given to nobody yet."""
        if (last := await self._bus.last_from_leader(wanted)) is None:
            return False
        name = subjects.turns_consumer(subjects.lane_of(wanted))
        asking = partial(self._bus.jetstream.consumer_info, subjects.TURNS, name)
        return last.sequence > delivered(await self._bus.retrying(f"ask for {name}", asking))
