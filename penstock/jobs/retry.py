"""Another try at a job that failed: a job of its own, which takes over what the first one has finished.

The first one's facts stay as they are. The message of each further try names it, and their ids show that they belong
together (penstock.jobs.submission.retry_of): nobody else's job is read.
"""

from collections.abc import Awaitable, Callable

from penstock import correlation
from penstock.contracts.budgets import PayingKey
from penstock.contracts.job import JobState
from penstock.contracts.wire import JobName
from penstock.errors import Refused
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jobs.lookup import look_up
from penstock.jobs.submission import paid_by, paying_key, retry_of


async def retry(
    bus: Bus,
    job: JobName,
    *,
    admit: Callable[[JobName], Awaitable[None]] | None = None,
    paying: PayingKey | None = None,
) -> JobState | None:
    """Submit a job that failed, or was cancelled, once more. The state of the new one; None where there is no such job.

    Asked for again it is the same new job, until that has failed as well. `admit` may refuse to have
    it begun. `paying`: the key that pays for it, by default that of the job before. Raises Refused("not_failed").
    """
    last = await look_up(bus, job)
    while last is not None and last.retried_as:
        last = await look_up(bus, JobName(job.tenant, last.retried_as))
    if last is None or not last.can_be_retried:
        if last is not None and last.id == job.id:
            raise Refused("not_failed", f"job {job.id} is {last.status}")
        return last
    failed = JobName(job.tenant, last.id)
    submitted = await bus.last_from_leader(subjects.job(last.pattern, failed))
    if submitted is None:
        return None
    new = retry_of(failed)
    if admit is not None:
        await admit(new)
    headers = correlation.headers() | paid_by(paying or paying_key(submitted.headers))
    headers |= {subjects.RETRY_HEADER: last.retry_of or last.id}
    await bus.once(subjects.job(last.pattern, new), submitted.data, headers=headers)
    return await look_up(bus, new)
