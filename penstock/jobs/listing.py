"""Jobs as a list, newest first, read backwards from JOBS."""

from dataclasses import replace

from penstock.contracts.job import JobPage, JobStatus, JobSummary
from penstock.contracts.journal import END, START
from penstock.contracts.wire import is_token
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus, Stored
from penstock.jobs.lookup import Record, unix

#: Jobs whose start and end are fetched in one request.
_FACTS = 100
#: Stream positions scanned per step: of all jobs, and where the server itself picks the pattern's.
_WINDOW, _WINDOW_OF_PATTERN = 100, 4_000
#: Stream positions scanned per page, likewise; a page that reaches it is short and has a cursor.
_EXAMINED, _EXAMINED_OF_PATTERN = 2_000, 40_000


async def page(
    bus: Bus,
    *,
    pattern: str | None = None,
    status: JobStatus | None = None,
    since: float | None = None,
    until: float | None = None,
    limit: int,
    cursor: str | None = None,
) -> JobPage:
    """Up to `limit` jobs, newest first. Times are Unix seconds of submission; `until` is exclusive.

    JOBS is read backwards, start and end of each job come from JOURNAL. Work is bounded: a page may have fewer
    than `limit` jobs, even none, and yet a next one. Raises ValueError for a `cursor` that is no number.
    """
    state = (await bus.jetstream.stream_info(subjects.JOBS)).state
    first, high = state.first_seq, state.last_seq
    if until is not None:
        time = min(max(until, 0.0), 4e9)  # up to 2096 the server can count in nanoseconds
        if following := await bus.first_since(subjects.JOBS, subjects.job("*", "*"), time):
            high = following.sequence - 1
    if cursor is not None:
        high = min(high, int(cursor) - 1)
    window, examined = (_WINDOW_OF_PATTERN, _EXAMINED_OF_PATTERN) if pattern else (_WINDOW, _EXAMINED)
    lowest = high - examined
    found: list[JobSummary] = []
    while high >= first and high > lowest:
        low = max(first, high - window + 1)
        candidates = await _between(bus, pattern, low, high)
        for begin in range(0, len(candidates), _FACTS):
            group = candidates[begin : begin + _FACTS]
            for stored, summary in zip(group, await _summaries(bus, group), strict=True):
                if since is not None and unix(stored.time) < since:
                    return JobPage(jobs=tuple(found))
                if summary is None or (status is not None and summary.status != status):
                    continue
                found.append(summary)
                if len(found) == limit:
                    return JobPage(jobs=tuple(found), next=str(stored.sequence) if stored.sequence > first else None)
        high = low - 1
    return JobPage(jobs=tuple(found), next=str(high + 1) if high >= first else None)


async def _between(bus: Bus, pattern: str | None, low: int, high: int) -> list[Stored]:
    """Job messages, newest first."""
    between = bus.history(subjects.JOBS, subjects.job(pattern or "*", "*"), after=low - 1, until=high)
    return [replace(stored, data=b"") async for stored in between][::-1]


async def _summaries(bus: Bus, submitted: list[Stored]) -> list[JobSummary | None]:
    """None for a message that is no job: its id is no token, or belongs to another pattern's."""
    pairs = [subjects.tokens(stored.subject) for stored in submitted]
    wanted = [subjects.journal(job, key) for _, job in pairs for key in (START, END)]
    facts = {fact.subject: fact for fact in await bus.last_from_any_replica(subjects.JOURNAL, wanted)}
    found: list[JobSummary | None] = []
    for stored, (pattern, job) in zip(submitted, pairs, strict=True):
        record = Record(facts[fact] for key in (START, END) if (fact := subjects.journal(job, key)) in facts)
        known = {"id": job, "pattern": pattern, "accepted_at": unix(stored.time)}
        is_job = is_token(job) and (record.start is None or record.start.pattern == pattern)
        found.append(JobSummary(**record.fields() | known) if is_job else None)
    return found
