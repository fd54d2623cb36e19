"""How many jobs of a tenant are on at once: from their submission to their end, waiting ones included.

A tenant's places are one message: the jobs that have one. Nothing has to free a place: where all are taken, those of
jobs that have ended are given to others, by what their journals say. So nothing can be forgotten, however a job ends
and whoever dies meanwhile: a place is held for exactly as long as its job is on. The places of jobs that were seen to
end are free at the next look.

Of a tenant who submits many, and may submit many more, places are taken for jobs that have not come yet. They are given
back after a second in which none of them was used; what a process leaves that dies is free after a minute.
"""

import asyncio
import json
from collections import deque
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from nats.js.errors import APIError

from penstock.cancelling import stop
from penstock.contracts.journal import END
from penstock.contracts.wire import JobName
from penstock.errors import BusUnavailable, Refused
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.cells import Cell, Cells, expected
from penstock.jobs.submission import new_job_id

#: Seconds after which a job that has a place was submitted, or never will be.
_SUBMITTED = 60.0
#: Jobs of which it is kept that they are over.
_KEPT = 10_000
#: Jobs at once that a limit may allow: NATS is asked for the ends of all of them in one request.
MOST = 1_000
#: Seconds for which places are taken before their jobs come; longer while those come, but no longer than that.
_AHEAD, _LONGEST = 1.0, 10.0
#: Of what is left this part, at most, is taken so: what one gateway has ahead others can not use.
_SHARE = 8


@dataclass(slots=True)
class _Ahead:
    """Jobs that were given places together at `since` (NATS's time), by a limit; `left` have not come.

    `came`: how many had, when it was last looked.
    """

    most: int
    since: float
    counted: int
    left: deque[str]
    came: int = 0


class Places:
    def __init__(self, bus: Bus) -> None:
        self._bus, self._cells = bus, Cells(bus)
        #: Jobs that are over, and may have a place yet. Those that are forgotten are found in the journal.
        self._over: dict[JobName, None] = {}
        self._ahead: dict[str, _Ahead] = {}
        self._giving_back: set[asyncio.Task[None]] = set()

    async def take(self, job: JobName, most: int) -> None:
        """Before `job` is submitted: see that with it no more than `most` of its tenant are on, or MOST.

        A job that has a place keeps it. Raises Refused("too_many_jobs"), or BusUnavailable: the place may be taken.
        """
        async with self._cells.using(subjects.places(job.tenant)) as cell:
            await self._add(cell, job.tenant, [job.id], most)

    async def new(self, tenant: str, most: int) -> JobName:
        """A new job that has a place, to be submitted at once: as to `take` one, but most need not ask NATS."""
        if (found := self._one_ahead(tenant, most)) is not None:
            return found
        async with self._cells.using(subjects.places(tenant)) as cell:
            # others waited for the same, and have one for this job, too
            return self._one_ahead(tenant, most) or await self._look_ahead(cell, tenant, most)

    async def aclose(self) -> None:
        """Gives back what was taken ahead, where NATS answers."""
        for tenant, ahead in self._ahead.items():
            self._unused(tenant, ahead.left)
        self._ahead.clear()
        if self._giving_back:
            await asyncio.wait(self._giving_back, timeout=_AHEAD)
        await stop(*self._giving_back)

    def _one_ahead(self, tenant: str, most: int) -> JobName | None:
        ahead = self._ahead.get(tenant)
        if ahead is None or not ahead.left or ahead.most != most or self._is_old(ahead):
            return None
        return JobName(tenant, ahead.left.popleft())

    def _is_old(self, ahead: _Ahead) -> bool:
        return self._bus.time.now() - ahead.since >= _LONGEST

    async def _look_ahead(self, cell: Cell, tenant: str, most: int) -> JobName:
        """A place for this job, however long that takes; with it as many as are expected."""
        many, since = 1, self._bus.time.now()
        if (before := self._ahead.pop(tenant, None)) is not None and not self._is_old(before):
            many = expected(before.counted, len(before.left), since - before.since)
        if before is not None:
            self._unused(tenant, before.left)
        jobs = [new_job_id() for _ in range(min(many, MOST))]
        try:
            first, *more = await self._add(cell, tenant, jobs, most)
        except Refused:
            raise
        except BaseException:  # they may have places
            self._unused(tenant, jobs)
            raise
        ahead = self._ahead[tenant] = _Ahead(most, since, 1 + len(more), deque(more))
        asyncio.get_running_loop().call_later(_AHEAD, self._look_after, tenant, ahead)
        return JobName(tenant, first)

    def _look_after(self, tenant: str, ahead: _Ahead) -> None:
        """Each second: are they used? How many were is kept, for the next to be taken."""
        if self._ahead.get(tenant) is not ahead:
            return
        came = ahead.counted - len(ahead.left)
        if self._is_old(ahead) or came == ahead.came:
            unused, ahead.left, ahead.counted = ahead.left, deque(), came
            self._unused(tenant, unused)
        ahead.came = came
        if self._is_old(ahead):
            del self._ahead[tenant]
        else:
            asyncio.get_running_loop().call_later(_AHEAD, self._look_after, tenant, ahead)

    def _unused(self, tenant: str, jobs: Collection[str]) -> None:
        """To be given back: with the next place that is taken, or by themselves."""
        for job in jobs:
            self.ended(JobName(tenant, job))
        if jobs:
            giving = asyncio.get_running_loop().create_task(self._give_back(tenant))
            self._giving_back.add(giving)
            giving.add_done_callback(self._giving_back.discard)

    async def _give_back(self, tenant: str) -> None:
        with suppress(BusUnavailable, APIError):  # the next place that is taken gives them back, too
            async with self._cells.using(subjects.places(tenant)) as cell:
                await self._add(cell, tenant, [], MOST)

    async def _add(self, cell: Cell, tenant: str, jobs: list[str], most: int) -> list[str]:
        """Give places to the first of the jobs, and to as many more as may have them ahead; to these."""
        most = min(most, MOST)
        while True:
            stored: dict[str, float] = json.loads(cell.data or b"{}")
            held = {one: at for one, at in stored.items() if JobName(tenant, one) not in self._over}
            over = stored.keys() - held.keys()
            now = self._bus.time.now()
            has_one = bool(jobs) and jobs[0] in held
            if not (jobs or over) or (has_one and now - held[jobs[0]] < _SUBMITTED / 2):
                return [job for job in jobs if job in held]
            if jobs and not has_one and len(held) >= most:
                held = await self._on(tenant, held, now)
                if len(held) >= most:
                    raise Refused("too_many_jobs", f"{len(held)} jobs of {tenant} are on, and {most} may be")
            added = jobs[: max(1, (most - len(held)) // _SHARE)]
            held |= dict.fromkeys(added, round(now))
            if await cell.swap(json.dumps(held, separators=(",", ":")).encode()):
                for one in over:
                    self._over.pop(JobName(tenant, one), None)
                return added

    def ended(self, job: JobName) -> None:
        """`job` is over, as its events say: its place is free for the next one, without a look into its journal."""
        self._over[job] = None
        while len(self._over) > _KEPT:
            del self._over[next(iter(self._over))]

    async def _on(self, tenant: str, held: dict[str, float], now: float) -> dict[str, float]:
        """Those whose jobs are on, or about to be."""
        found = self._bus.last_from_any_replica
        ends = {subjects.journal(JobName(tenant, job), END): job for job in held}
        ended = {ends[fact.subject] for fact in await found(list(ends))}
        old = {job for job, at in held.items() if job not in ended and now - at > _SUBMITTED}
        submissions = [subjects.job("*", JobName(tenant, job)) for job in old]
        unknown = old - {subjects.of_job(one.subject)[1].id for one in await found(submissions)} if old else old
        for job in list(unknown):  # a replica may lag
            if await self._bus.last_from_leader(subjects.job("*", JobName(tenant, job))) is not None:
                unknown.discard(job)
        return {job: at for job, at in held.items() if job not in ended and job not in unknown}
