"""All that is kept of a tenant, and its removal: who runs the system is asked for it (GDPR, article 17).

Whoever works on a job of the tenant stops at its end, which is the last thing to go: so nothing is written anew behind
the purge. What is removed is removed from the streams; docs/operations/customer-data.md says what is kept elsewhere.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial

from nats.js.errors import APIError

from penstock import jobs
from penstock.callers.keys import Key, Keys
from penstock.contracts.journal import END
from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.asking import asked
from penstock.jetstream.bus import Bus
from penstock.jetstream.partitions import stream_of
from penstock.usage import Folding

#: Jobs whose ends are looked up at once.
_BATCH = 500
#: Seconds between two looks for what was written meanwhile, how many find nothing in the end, and seconds in all.
_PAUSE, _QUIET, _PATIENCE = 1.0, 2, 60.0
#: Seconds that NATS may take to remove what one filter names.
_REMOVING = 120.0
#: Messages that are erased at once.
_AT_ONCE = 64
#: The server's error numbers for a message that has gone meanwhile: by age, acknowledged, or by a try without answer.
_GONE = (10037, 10043, 10057)

#: In place of a stream, in what was removed.
ENDED = "=ended"

#: Told what is being done, as a line.
Told = Callable[[str], None]


class Tenant:
    """One tenant's data in the streams. Every method may raise BusUnavailable."""

    def __init__(self, bus: Bus, name: str) -> None:
        self._bus, self._name = bus, name
        self._any = JobName(name, "*")

    async def keys(self) -> list[Key]:
        return [key for key in await Keys(self._bus).all() if key.tenant == self._name]

    async def count(self) -> Counter[str]:
        """Messages of the tenant by stream; what all tenants share is not counted."""
        found = Counter[str]({subjects.KEYS: len(own := await self.keys())})
        for stream, subject in self._each(self._filters([key.id for key in own])):
            offset = 0
            while True:
                request = f"STREAM.INFO.{stream_of(subject)}"
                asking = partial(asked, self._bus.connection, request, subjects_filter=subject, offset=offset)
                info = await self._bus.retrying(f"count in {stream}", asking)
                there = info["state"].get("subjects") or {}
                found[stream] += sum(there.values())
                offset += len(there)
                if not there or offset >= info.get("total", 0):
                    break
        return found

    async def purge(self, *, keep_usage: bool, erase: bool, told: Told) -> Counter[str]:
        """Remove all of it; returns how many messages of each stream, and under ENDED how many jobs were ended.

        Keys go first, so nobody asks for more over HTTP; then jobs end, also what was let in just before. A job that
        has not ended is not removed: it would run on, and nobody could find it. Of a key only that there was one stays:
        a gateway whose keys are all gone would be open to everybody. Done again, it removes what was written since.
        `erase`: overwrite each message on the disk as well, which takes long.
        """
        own = await self.keys()
        removed = Counter[str]()
        for key in own:
            # as a bucket deletes: with a bare id nobody can tell whose it was
            await self._bus.append(subjects.key(key.id), b"", headers={"KV-Operation": "DEL"})
            removed[subjects.KEYS] += 1
        filters = self._filters([key.id for key in own])
        if keep_usage:
            del filters[subjects.USAGE]
        last = {subjects.JOURNAL: filters.pop(subjects.JOURNAL)}
        # whose question a shared reply answered is not known; it is asked anew
        await self._remove({subjects.CACHE: [subjects.cached(subjects.SHARED, "*")]})
        removed += await self._until_quiet(filters, erase, told)
        if keep_usage:
            await Folding(self._bus).fold()
        return removed + await self._until_quiet(filters | last, erase, told)

    def _filters(self, key_ids: list[str]) -> dict[str, list[str]]:
        """By stream: what is the tenant's by its subject. Each token in its place: a pattern may be called as it is."""
        name, job = self._name, self._any
        of_jobs = {
            subjects.JOBS: [subjects.job("*", job)],
            subjects.TURNS: [subjects.turn("*", "*", job)],
            subjects.STEPS: [subjects.step("*", "*", "*", job, "*", lane="*")],
            subjects.HOOKS: [subjects.hook(job)],
            subjects.TIMERS: [subjects.timer(job, "*"), subjects.due(job, "*")],
            subjects.EVENTS: [subjects.events(job)],
            subjects.JOURNAL: [subjects.journal(job, ">")],
        }
        return of_jobs | {
            subjects.DEAD: [subjects.dead(one) for some in of_jobs.values() for one in some],
            subjects.CACHE: [subjects.cached(name, "*")],
            subjects.USAGE: [subjects.usage(name, "*-*")],
            subjects.COUNTERS: [subjects.counter("budget", whose, name, ">") for whose in ("tenant", "key")],
            subjects.SPENDING: [subjects.counter(">", job=name)],
            subjects.LIMITS: [subjects.places(name), *(subjects.rate(f"key={key}") for key in key_ids)],
        }

    async def _last_jobs(self) -> dict[str, int]:
        """The place in JOBS of the newest, in each partition: by the subject of its jobs."""
        every = self._bus.partitions.each(subjects.job("*", self._any))
        newest = {subject: await self._bus.last_from_leader(subject) for subject in every}
        return {subject: one.sequence if one else 0 for subject, one in newest.items()}

    async def _end_jobs(self, until: Mapping[str, int], told: Told) -> int:
        """Cancel those that have not ended, up to these places in JOBS; returns how many."""
        ended = 0
        async for some in self._submitted(until):
            ends = {subjects.journal(job, END): job for job in some}
            known = {fact.subject for fact in await self._bus.last_from_any_replica(list(ends))}
            for subject in ends.keys() - known:
                await jobs.cancel(self._bus, ends[subject])
                ended += 1
        if ended:
            told(f"{ended:,} jobs ended")
        return ended

    async def _submitted(self, until: Mapping[str, int]) -> AsyncIterator[list[JobName]]:
        found: list[JobName] = []
        for subject, last in until.items():
            async for stored in self._bus.history(subject, until=last):
                found.append(subjects.of_job(stored.subject)[1])
                if len(found) == _BATCH:
                    yield found
                    found = []
        if found:
            yield found

    async def _until_quiet(self, filters: dict[str, list[str]], erase: bool, told: Told) -> Counter[str]:
        """End jobs and remove, until nothing more comes: who works on one still writes for a moment after its end."""
        clock = asyncio.get_running_loop()
        removed, quiet, deadline = Counter[str](), 0, clock.time() + _PATIENCE
        while quiet < _QUIET and clock.time() < deadline:
            newest = await self._last_jobs()
            ended = await self._end_jobs(newest, told)
            # those that work on them are to read that they have ended
            due = {stream: some for stream, some in filters.items() if not (ended and stream == subjects.JOURNAL)}
            now = await self._remove(due, newest, erase=erase)
            for stream, count in now.items():
                told(f"{stream}: {count:,} {'message' if count == 1 else 'messages'}")
            now[ENDED] += ended
            removed += (now := +now)
            quiet = 0 if now else quiet + 1
            if quiet < _QUIET:
                await asyncio.sleep(_PAUSE)
        return removed

    async def _remove(
        self, filters: dict[str, list[str]], until: Mapping[str, int] | None = None, *, erase: bool = False
    ) -> Counter[str]:
        """`until`: by the subject of jobs, the place in JOBS behind which they stay."""
        removed = Counter[str]()
        for stream, subject in self._each(filters):
            last = (until or {}).get(subject)
            if erase:
                removed[stream] += await self._erase_all(subject, last)
            request, bound = f"STREAM.PURGE.{stream_of(subject)}", {} if last is None else {"seq": last + 1}
            removing = partial(asked, self._bus.connection, request, patience=_REMOVING, filter=subject, **bound)
            removed[stream] += (await self._bus.retrying(f"purge {stream}", removing))["purged"]
        return +removed  # those with something

    async def _erase_all(self, subject: str, until: int | None) -> int:
        """Overwrite each message on the disk: what a purge removes stays there until NATS writes its block anew."""
        stream, some, count = stream_of(subject), list[int](), 0
        async for stored in self._bus.history(subject, until=until):
            some.append(stored.sequence)
            count += 1
            if len(some) == _AT_ONCE:
                await asyncio.gather(*(self._erase(stream, sequence) for sequence in some))
                some.clear()
        await asyncio.gather(*(self._erase(stream, sequence) for sequence in some))
        return count

    async def _erase(self, stream: str, sequence: int) -> None:
        try:
            await self._bus.retrying(
                f"erase in {stream}",
                partial(asked, self._bus.connection, f"STREAM.MSG.DELETE.{stream}", seq=sequence, no_erase=False),
            )
        except APIError as error:
            if error.err_code not in _GONE:
                raise

    def _each(self, filters: dict[str, list[str]]) -> list[tuple[str, str]]:
        """In each partition of the stream."""
        each = self._bus.partitions.each
        return [(stream, one) for stream, some in filters.items() for subject in some for one in each(subject)]
