"""Jobs as a list, newest first, read backwards from JOBS."""

from dataclasses import dataclass

from nats.js.errors import NotFoundError

from penstock.contracts.job import JobStatus, JobSummary
from penstock.contracts.journal import END, START, JobEnd, JobStart
from penstock.contracts.wire import is_token
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus, Stored
from penstock.jobs.lookup import unix

#: Jobs whose facts are read at once; sequences of JOBS looked at together; and for one page at most, so
#: that a filter that matches little costs a bounded amount: the page is then short and has a cursor.
_FACTS, _WINDOW, _EXAMINED = 100, 100, 2_000
#: The same two where the server itself picks the pattern's jobs.
_WINDOW_OF_PATTERN, _EXAMINED_OF_PATTERN = 4_000, 40_000


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which jobs to list. Times are Unix seconds of submission; `until` is exclusive."""

    pattern: str | None = None
    status: JobStatus | None = None
    since: float | None = None
    until: float | None = None


async def page(bus: Bus, wanted: Wanted, *, limit: int, before: int | None = None) -> tuple[list[JobSummary], int]:
    """Up to `limit` jobs, newest first, and the `before` of the next page: 0 if there is none.

    JOBS is read backwards, start and end of each job come from JOURNAL. Work is bounded: a page may have fewer
    than `limit` jobs, even none, and yet a next one.
    """
    state = (await bus.jetstream.stream_info(subjects.JOBS)).state
    first, high = state.first_seq, state.last_seq
    if wanted.until is not None:
        high = await _last_before(bus, wanted.until, first, high)
    if before is not None:
        high = min(high, before - 1)
    window, lowest = (
        (_WINDOW_OF_PATTERN, high - _EXAMINED_OF_PATTERN) if wanted.pattern else (_WINDOW, high - _EXAMINED)
    )
    found: list[JobSummary] = []
    while high >= first and high > lowest:
        low = max(first, high - window + 1)
        candidates = await _between(bus, wanted.pattern, low, high)
        for begin in range(0, len(candidates), _FACTS):
            group = candidates[begin : begin + _FACTS]
            for stored, summary in zip(group, await _summaries(bus, group), strict=True):
                if wanted.since is not None and unix(stored.time) < wanted.since:
                    return found, 0
                if summary is None or (wanted.status is not None and summary.status != wanted.status):
                    continue
                found.append(summary)
                if len(found) == limit:
                    return found, stored.sequence if stored.sequence > first else 0
        high = low - 1
    return found, high + 1 if high >= first else 0


async def _between(bus: Bus, pattern: str | None, low: int, high: int) -> list[Stored]:
    """Job messages, newest first."""
    found: list[Stored] = []
    async for stored in bus.history(subjects.JOBS, subjects.job(pattern or "*", "*"), after=low - 1):
        if stored.sequence > high:
            break
        found.append(stored)
    return found[::-1]


async def _summaries(bus: Bus, submitted: list[Stored]) -> list[JobSummary | None]:
    """None for a message that is no job: its id is no token, or belongs to another pattern's."""
    pairs = [subjects.tokens(stored.subject) for stored in submitted]
    wanted = [subjects.journal(job, key) for _, job in pairs for key in (START, END)]
    facts = {stored.subject: stored.data for stored in await bus.last(subjects.JOURNAL, wanted)}

    def summary(pattern: str, job: str, stored: Stored) -> JobSummary | None:
        started = facts.get(subjects.journal(job, START))
        ended = facts.get(subjects.journal(job, END))
        start = JobStart.model_validate_json(started) if started else None
        end = JobEnd.model_validate_json(ended) if ended else None
        if not is_token(job) or (start is not None and start.pattern != pattern):
            return None
        return JobSummary(
            id=job,
            pattern=pattern,
            status=end.status if end else "running" if start else "queued",
            accepted_at=unix(stored.time),
            ended_at=end.ended_at if end else None,
            problem=end.problem if end else None,
        )

    return [summary(pattern, job, stored) for (pattern, job), stored in zip(pairs, submitted, strict=True)]


async def _last_before(bus: Bus, until: float, low: int, high: int) -> int:
    """The sequence of the last job submitted before `until`, found by halving; `low` - 1 if there is none."""
    while low <= high:
        middle = (low + high) // 2
        if unix(await _time_at(bus, middle, high)) < until:
            low = middle + 1
        else:
            high = middle - 1
    return high


async def _time_at(bus: Bus, sequence: int, high: int) -> str:
    """When the message of JOBS at `sequence`, or the next after it, was stored."""

    async def get() -> str:
        try:
            message = await bus.jetstream.get_msg(
                subjects.JOBS, seq=sequence, subject=subjects.job("*", "*"), direct=True, next=True
            )
        except NotFoundError:
            return "9999-01-01T00:00:00Z"
        return str((message.headers or {}).get("Nats-Time-Stamp", ""))

    return await bus.persistently("read JOBS", get)
