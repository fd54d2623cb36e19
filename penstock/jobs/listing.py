"""Jobs as a list, newest first, read backwards from JOBS."""

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
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
from penstock.jetstream.partitions import logical, stream_of
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

    `until` is exclusive. JOBS is read backwards, its partitions merged by time; start and end of each job come from
    JOURNAL. Work is bounded: a page may have fewer than `limit` jobs, even none, and yet a next one. Raises
    ValueError for a `cursor` that is none.
    """
    wanted = bus.partitions.each(subjects.job(pattern or "*", JobName(tenant or "*", "*")))
    befores = _befores(cursor, len(wanted)) if cursor is not None else [None] * len(wanted)
    longest, examined = (_WINDOW_FILTERED, _EXAMINED_FILTERED) if pattern or tenant else (_WINDOW, _EXAMINED)
    size = limit if status is None else _FACTS  # all are found that are looked at
    found: list[JobSummary] = []
    async with AsyncExitStack() as stack:
        readings = [_Backwards(bus, subject, -(-limit // len(wanted)), longest) for subject in wanted]
        for reading, before in zip(readings, befores, strict=True):
            stack.push_async_callback(reading.aclose)
            await reading.begin(until, before)
        while len(found) < limit:
            while behind := [one for one in readings if not (one.read or one.at_end)]:
                if sum(one.examined for one in readings) >= examined:
                    return JobPage(jobs=tuple(found), next=_cursor(readings))
                await asyncio.gather(*(one.read_on() for one in behind))
            group = _newest(readings, size)
            if not group:
                return JobPage(jobs=tuple(found))
            summaries = await _summaries(bus, [job for _, job in group], of_all=tenant is None)
            for (reading, submitted), summary in zip(group, summaries, strict=True):
                if since is not None and submitted.time < since:
                    return JobPage(jobs=tuple(found))
                reading.passed(submitted)
                if summary is None or (status is not None and summary.status != status):
                    continue
                found.append(summary)
                if len(found) == limit:
                    break
    return JobPage(jobs=tuple(found), next=_cursor(readings))


def _befores(cursor: str, count: int) -> Sequence[int | None]:
    """Raises ValueError."""
    numbers = [int(number) for number in cursor.split(".")]
    if len(numbers) != count:
        raise ValueError("it is the `next` of a page before")
    return numbers


def _cursor(readings: Sequence["_Backwards"]) -> str | None:
    """Behind what was passed; None where there is nothing."""
    return None if all(one.is_over for one in readings) else ".".join(str(one.before) for one in readings)


def _newest(readings: Sequence["_Backwards"], most: int) -> list[tuple["_Backwards", _Submitted]]:
    """Of what was read, newest first: only up to where the next of each partition is known."""
    taken = dict.fromkeys(readings, 0)
    found = list[tuple[_Backwards, _Submitted]]()
    while len(found) < most:
        if any(taken[one] == len(one.read) and not one.at_end for one in readings):
            break
        heads = [(one.read[taken[one]], one) for one in readings if taken[one] < len(one.read)]
        if not heads:
            break
        head, reading = max(heads, key=lambda pair: pair[0].time)
        taken[reading] += 1
        found.append((reading, head))
    return found


class _Backwards:
    """Job messages of one stream without their bodies, newest first, through one consumer: only that can leave the
    bodies where they are.

    Windows of stream positions are read: the first has `window`, each has twice those of the one before, up to
    `longest`. `read`: what was read and not passed yet.
    """

    def __init__(self, bus: Bus, subject: str, window: int, longest: int) -> None:
        self._bus, self._subject, self._window, self._longest = bus, subject, window, longest
        self._stream = stream_of(subject)
        self._consumer = ""
        self._pulled: JetStreamContext.PullSubscription | None = None
        self.read = deque[_Submitted]()
        self.examined = 0

    async def begin(self, until: float | None, before: int | None) -> None:
        """With the last that was submitted before the time `until`, and is at a position below `before`."""
        asking = partial(self._bus.jetstream.stream_info, self._stream)
        state = (await self._bus.retrying("list jobs", asking)).state
        self._first, high = max(1, state.first_seq), state.last_seq
        if until is not None:
            time = min(max(until, 0.0), 4e9)  # up to 2096 the server can count in nanoseconds
            every = self._subject.removesuffix(logical(self._subject)) + subjects.job("*", subjects.EVERY)
            if following := await self._bus.first(every, since=time):
                high = following.sequence - 1
        #: Positions from here on are passed; below `_low` nothing was read.
        self.before = self._low = high + 1 if before is None else min(high + 1, before)

    @property
    def at_end(self) -> bool:
        """Nothing more is to be read."""
        return self._low <= self._first

    @property
    def is_over(self) -> bool:
        """Nothing more is there."""
        return self.before <= self._first or (self.at_end and not self.read)

    def passed(self, job: _Submitted) -> None:
        """What `read` begins with."""
        self.read.popleft()
        self.before = job.sequence if self.read else self._low

    async def read_on(self) -> None:
        low, high = max(self._first, self._low - self._window), self._low - 1
        self.read.extend(await self._bus.retrying("list jobs", partial(self._between, low, high)))
        self.examined += self._window
        self._low, self._window = low, min(2 * self._window, self._longest)
        if not self.read:
            self.before = low

    async def _between(self, low: int, high: int) -> list[_Submitted]:
        """Those from `low` to `high`, newest first."""
        try:
            return await self._from(low, high)
        except BaseException:
            await self.aclose()  # the next try has a consumer of its own
            raise

    async def _from(self, low: int, high: int) -> list[_Submitted]:
        jetstream = self._bus.jetstream
        if self._pulled is None:
            self._consumer = (await jetstream.add_consumer(self._stream, self._config)).name
            self._pulled = await jetstream.pull_subscribe_bind(consumer=self._consumer, stream=self._stream)
        reset = f"$JS.API.CONSUMER.RESET.{self._stream}.{self._consumer}"
        info = json.loads((await self._bus.connection.request(reset, json.dumps({"seq": low}).encode())).data)
        if "error" in info:
            APIError.from_error(info["error"])
        left, after = int(info["num_pending"]), low - 1
        found: list[_Submitted] = []
        while left and after < high:
            for message in await self._pulled.fetch(min(left, _FETCHED, high - after)):
                left, after = message.metadata.num_pending, message.metadata.sequence.stream
                found.append(_Submitted(logical(message.subject), after, message.metadata.timestamp.timestamp()))
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
                await self._bus.jetstream.delete_consumer(self._stream, self._consumer)


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
