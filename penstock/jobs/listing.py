"""Jobs as a list, newest first, read backwards from JOBS."""

import asyncio
import json
from contextlib import aclosing, suppress
from dataclasses import replace
from functools import partial
from itertools import compress
from typing import NamedTuple

from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, NotFoundError

from penstock.contracts.job import JobPage, JobStatus, JobSummary
from penstock.contracts.journal import END, START, JobEnd
from penstock.contracts.wire import JobName, is_token
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.storage import UNREACHABLE
from penstock.jetstream.stored import Stored
from penstock.jobs.lookup import Record
from penstock.jobs.shifts import parked

#: Jobs whose start and end are fetched in one request.
_FACTS = 100
#: Stream positions scanned per step at most (the first has `limit`, each has twice those of the one before): of all
#: jobs, and where the server itself picks a tenant's or a pattern's. It reads each message, however little is sent.
_WINDOW, _WINDOW_FILTERED = 100, 4_000
#: Stream positions scanned per page, likewise; a page that reaches it is short and has a cursor.
_EXAMINED, _EXAMINED_FILTERED = 2_000, 40_000
#: Job messages, without their bodies, fetched at once; seconds after which the server forgets who reads them.
_FETCHED, _FORGOTTEN = 500, 60.0


class _Submitted(NamedTuple):
    """A job message without its body. `time` is Unix seconds."""

    subject: str
    sequence: int
    time: float


async def page(
    bus: Bus,
    *,
    tenant: str | None,
    pattern: str | None = None,
    status: JobStatus | None = None,
    since: float | None = None,
    until: float | None = None,
    limit: int,
    cursor: str | None = None,
) -> JobPage:
    """Up to `limit` jobs of a tenant, newest first; without one, of all. Times are Unix seconds of submission.

    `until` is exclusive. JOBS is read backwards, start and end of each job come from JOURNAL. Work is bounded: a page
    may have fewer than `limit` jobs, even none, and yet a next one. Raises ValueError for a `cursor` that is no number.
    """
    state = (await bus.retrying("list jobs", partial(bus.jetstream.stream_info, subjects.JOBS))).state
    first, high = max(1, state.first_seq), state.last_seq
    if until is not None:
        time = min(max(until, 0.0), 4e9)  # up to 2096 the server can count in nanoseconds
        if following := await bus.first(subjects.job("*", subjects.EVERY), since=time):
            high = following.sequence - 1
    if cursor is not None:
        high = min(high, int(cursor) - 1)
    longest, examined = (_WINDOW_FILTERED, _EXAMINED_FILTERED) if pattern or tenant else (_WINDOW, _EXAMINED)
    lowest, window = high - examined, limit
    found: list[JobSummary] = []
    async with aclosing(_Jobs(bus, tenant, pattern)) as reading:
        while high >= first and high > lowest:
            low = max(first, high - window + 1)
            candidates = await reading.between(low, high)
            size = limit if status is None else _FACTS  # all are found that are looked at
            for begin in range(0, len(candidates), size):
                group = candidates[begin : begin + size]
                for submitted, summary in zip(group, await _summaries(bus, group, of_all=tenant is None), strict=True):
                    if since is not None and submitted.time < since:
                        return JobPage(jobs=tuple(found))
                    if summary is None or (status is not None and summary.status != status):
                        continue
                    found.append(summary)
                    if len(found) == limit:
                        return JobPage(
                            jobs=tuple(found), next=str(submitted.sequence) if submitted.sequence > first else None
                        )
            high, window = low - 1, min(2 * window, longest)
    return JobPage(jobs=tuple(found), next=str(high + 1) if high >= first else None)


class _Jobs:
    """Job messages without their bodies, through one consumer: only that can leave the bodies where they are."""

    def __init__(self, bus: Bus, tenant: str | None, pattern: str | None) -> None:
        self._bus, self._subject = bus, subjects.job(pattern or "*", JobName(tenant or "*", "*"))
        self._consumer = ""
        self._pulled: JetStreamContext.PullSubscription | None = None

    async def between(self, low: int, high: int) -> list[_Submitted]:
        """Those from `low` to `high`, newest first."""
        return await self._bus.retrying("list jobs", partial(self._read, low, high))

    async def _read(self, low: int, high: int) -> list[_Submitted]:
        try:
            return await self._from(low, high)
        except BaseException:
            await self.aclose()  # the next try has a consumer of its own
            raise

    async def _from(self, low: int, high: int) -> list[_Submitted]:
        jetstream = self._bus.jetstream
        if self._pulled is None:
            self._consumer = (await jetstream.add_consumer(subjects.JOBS, self._config)).name
            self._pulled = await jetstream.pull_subscribe_bind(consumer=self._consumer, stream=subjects.JOBS)
        reset = f"$JS.API.CONSUMER.RESET.{subjects.JOBS}.{self._consumer}"
        info = json.loads((await self._bus.connection.request(reset, json.dumps({"seq": low}).encode())).data)
        if "error" in info:
            APIError.from_error(info["error"])
        left, after = int(info["num_pending"]), low - 1
        found: list[_Submitted] = []
        while left and after < high:
            for message in await self._pulled.fetch(min(left, _FETCHED, high - after)):
                left, after = message.metadata.num_pending, message.metadata.sequence.stream
                found.append(_Submitted(message.subject, after, message.metadata.timestamp.timestamp()))
        return [one for one in reversed(found) if one.sequence <= high]

    @property
    def _config(self) -> ConsumerConfig:
        return ConsumerConfig(
            filter_subject=self._subject,
            deliver_policy=DeliverPolicy.ALL,
            headers_only=True,
            ack_policy=AckPolicy.NONE,
            mem_storage=True,
            num_replicas=1,
            inactive_threshold=_FORGOTTEN,
        )

    async def aclose(self) -> None:
        pulled, self._pulled = self._pulled, None
        if pulled is not None:
            with suppress(NotFoundError, *UNREACHABLE):  # the server forgets it
                await pulled.unsubscribe()
                await self._bus.jetstream.delete_consumer(subjects.JOBS, self._consumer)


async def _summaries(bus: Bus, submitted: list[_Submitted], *, of_all: bool) -> list[JobSummary | None]:
    """None for a message that is no job: its id is no token, or belongs to another pattern's."""
    pairs = [subjects.of_job(one.subject) for one in submitted]
    wanted = [subjects.journal(job, key) for _, job in pairs for key in (START, END)]
    facts = {fact.subject: _without_result(fact) async for fact in bus.each_last_from_any_replica(wanted)}
    running = [job for _, job in pairs if is_token(job.id) and subjects.journal(job, END) not in facts]
    are_parked = await asyncio.gather(*(parked(bus, job) for job in running))
    waiting = set(compress(running, are_parked))
    found: list[JobSummary | None] = []
    for one, (pattern, job) in zip(submitted, pairs, strict=True):
        record = Record(facts[fact] for key in (START, END) if (fact := subjects.journal(job, key)) in facts)
        known = {"id": job.id, "pattern": pattern, "accepted_at": one.time}
        known |= {"tenant": job.tenant} if of_all else {}
        known |= {"status": "waiting"} if job in waiting else {}
        is_job = is_token(job.id) and (record.start is None or record.start.pattern == pattern)
        found.append(JobSummary(**record.fields() | known) if is_job else None)
    return found


def _without_result(fact: Stored) -> Stored:
    if subjects.tokens(fact.subject)[-1] != END:
        return fact
    end = JobEnd.model_validate_json(fact.data).model_copy(update={"result": None})
    return replace(fact, data=end.model_dump_json().encode())
