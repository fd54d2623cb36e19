"""Who works on a job, where it can be parked: the journal decides.

Whoever holds a certain message works on a job: at first its own of JOBS. A job that only waits is parked, and its
message given up. What it waits for comes as a message as well, a signal in JOURNAL or what is due in TIMERS, and NATS
delivers each until somebody has seen to it. Each parking and each resumption is the next shift, written by one only:

- Who parks a job writes the shift, and *then* reads the journal: what was written before that, it sees.
- Who holds a signal or timer reads the journal *afterwards*. The job is parked: the next shift names this message,
  unless another one is first. It is not: who works on it has not yet read the journal for the last time.

So of two who could see a signal at least one does, in any order and whoever dies; and one at most works on the job.
"""

from collections.abc import Sequence

from penstock.contracts.waiting import Shift, shift_key
from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus


def is_parked(shifts: Sequence[Shift]) -> bool:
    return bool(shifts) and shifts[-1].by is None


def parked_for(shifts: Sequence[Shift]) -> float:
    """Seconds for which the job was parked before it was resumed."""
    return sum(resumed.at - parked.at for parked, resumed in zip(shifts[::2], shifts[1::2], strict=False))


async def parked(bus: Bus, job: JobName) -> bool:
    """Whether the job is parked just now, as the journal's leader has it."""
    last = await bus.last_from_leader(subjects.journal(job, shift_key("*")))
    return last is not None and is_parked([Shift.model_validate_json(last.data)])
