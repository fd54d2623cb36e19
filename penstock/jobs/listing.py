"""Jobs as a list, newest first, read backwards from JOBS."""

from dataclasses import dataclass

from penstock.contracts.job import JobStatus, JobSummary
from penstock.contracts.journal import END, START
from penstock.contracts.wire import is_token
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus, Stored
from penstock.jobs.lookup import Record, unix

#: Jobs whose facts are read at once; sequences of JOBS looked at together; and for one page at most, so
#: that a filter that matches little costs a bounded amount: the page is then short and has a cursor.
_FACTS, _WINDOW, _EXAMINED = 100, 100, 2_000
#: The same two where the server itself picks the pattern's jobs.
_WINDOW_OF_PATTERN, _EXAMINED_OF_PATTERN = 4_000, 40_000
#: A time (2096) that the server can count in nanoseconds.
_FAR_OFF = 4e9


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
        until = min(max(wanted.until, 0.0), _FAR_OFF)
        if following := await bus.first_since(subjects.JOBS, subjects.job("*", "*"), until):
            high = following.sequence - 1
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
    pairs = [subjects.parse_job(stored.subject) for stored in submitted]
    wanted = [subjects.journal(job, key) for _, job in pairs for key in (START, END)]
    facts = {fact.subject: fact for fact in await bus.last(subjects.JOURNAL, wanted)}
    found: list[JobSummary | None] = []
    for stored, (pattern, job) in zip(submitted, pairs, strict=True):
        subjects_of_job = (subjects.journal(job, START), subjects.journal(job, END))
        record = Record(facts[subject] for subject in subjects_of_job if subject in facts)
        if is_token(job) and (record.start is None or record.start.pattern == pattern):
            known = {"id": job, "pattern": pattern, "accepted_at": unix(stored.time)}
            found.append(JobSummary(**record.fields() | known))
        else:
            found.append(None)
    return found
