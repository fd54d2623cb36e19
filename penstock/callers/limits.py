"""How many jobs of a tenant are on at once: from their submission to their end, waiting ones included.

A tenant's places are one message: the jobs that have one. Nothing has to free a place: where all are taken, those of
jobs that have ended are given to others, by what their journals say. So nothing can be forgotten, however a job ends
and whoever dies meanwhile: a place is held for exactly as long as its job is on. The places of jobs that were seen to
end are free at the next look.
"""

import json

from penstock.contracts.journal import END
from penstock.contracts.wire import JobName
from penstock.errors import Refused
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.cells import Cells

#: Seconds after which a job that has a place was submitted, or never will be.
_SUBMITTED = 60.0
#: Jobs of which it is kept that they are over.
_KEPT = 10_000
#: Jobs at once that a limit may allow: NATS is asked for the ends of all of them in one request.
MOST = 1_000


class Places:
    def __init__(self, bus: Bus) -> None:
        self._bus, self._cells = bus, Cells(bus)
        #: Jobs that are over, and may have a place yet. Those that are forgotten are found in the journal.
        self._over: dict[JobName, None] = {}

    async def take(self, job: JobName, most: int) -> None:
        """Before `job` is submitted: see that with it no more than `most` of its tenant are on, or MOST.

        A job that has a place keeps it. Raises Refused("too_many_jobs"), or BusUnavailable: the place may be taken.
        """
        most = min(most, MOST)
        async with self._cells.using(subjects.places(job.tenant)) as cell:
            while True:
                stored: dict[str, float] = json.loads(cell.data or b"{}")
                held = {one: at for one, at in stored.items() if JobName(job.tenant, one) not in self._over}
                over = stored.keys() - held.keys()
                now = self._bus.time.now()
                if now - held.get(job.id, 0) < _SUBMITTED / 2:
                    return
                if job.id not in held and len(held) >= most:
                    held = await self._on(job.tenant, held, now)
                    if len(held) >= most:
                        raise Refused("too_many_jobs", f"{len(held)} jobs of {job.tenant} are on, and {most} may be")
                if await cell.swap(json.dumps({**held, job.id: round(now)}, separators=(",", ":")).encode()):
                    for one in over:
                        self._over.pop(JobName(job.tenant, one), None)
                    return

    def ended(self, job: JobName) -> None:
        """`job` is over, as its events say: its place is free for the next one, without a look into its journal."""
        self._over[job] = None
        if len(self._over) > _KEPT:
            del self._over[next(iter(self._over))]

    async def _on(self, tenant: str, held: dict[str, float], now: float) -> dict[str, float]:
        """Those whose jobs are on, or about to be."""
        found = self._bus.last_from_any_replica
        ends = {subjects.journal(JobName(tenant, job), END): job for job in held}
        ended = {ends[fact.subject] for fact in await found(list(ends))}
        old = [job for job, at in held.items() if job not in ended and now - at > _SUBMITTED]
        submissions = [subjects.job("*", JobName(tenant, job)) for job in old]
        known = {subjects.of_job(one.subject)[1].id for one in await found(submissions)} if old else set()
        return {job: at for job, at in held.items() if job not in ended and (job in known or job not in old)}
