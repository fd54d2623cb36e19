"""When what of a job happened, by the clock of NATS."""

from typing import Literal

from penstock.contracts.job import JobStatus
from penstock.contracts.usage import Usage
from penstock.contracts.wire import Time, Tolerant, omitted


class AttemptTimes(Tolerant):
    """One attempt at a step. `id` is the `i` of its events.

    `end` is how it ended: it wrote the step's outcome (completed, failed), is made again (retried: with `code`, after
    `delay_seconds`), another one went on in its place without a word of it (taken_over: its process was killed, or
    stood still), or it was cut off (its job ended, or another one was first). Left out while it is under way.
    """

    attempt: int
    id: str
    model: str | None = omitted()
    started_at: Time
    #: The first piece of its output.
    first_token_at: Time | None = omitted()
    #: When what it had written was declared void.
    resets: tuple[Time, ...] = ()
    ended_at: Time | None = omitted()
    end: Literal["completed", "failed", "retried", "taken_over", "cut_off"] | None = omitted()
    code: str | None = omitted()
    delay_seconds: float | None = omitted()
    #: What it cost, as far as it has told.
    usage: Usage | None = omitted()


class QueuedAt(Tolerant):
    """Readers were told that the step waits: see the event `step.queued`."""

    at: Time
    depth: int
    served: bool
    model: str | None = omitted()


class StepTimes(Tolerant):
    """One step. Between `dispatched_at` and the first attempt's `started_at` it was in its queue.

    `inherited`: its outcome is that of an earlier try at the job, which is why it has no attempt here.
    """

    key: str
    step: str
    service: str
    dispatched_at: Time | None = omitted()
    queued: tuple[QueuedAt, ...] = ()
    attempts: tuple[AttemptTimes, ...] = ()
    ended_at: Time | None = omitted()
    inherited: bool = False


class WaitTimes(Tolerant):
    """The run waited for a signal, or, without one, for a time."""

    key: str
    signal: str | None = omitted()
    began_at: Time
    ended_at: Time | None = omitted()
    timed_out: bool = False


class JobTimeline(Tolerant):
    """What `GET /jobs/<id>/timeline` answers. What came of the steps is in the job's state.

    `runs`: when an aggregator began to run it: more than once where it took over from another, or went on after a wait.
    `truncated`: events are no longer kept, and with them attempts and waits.
    """

    id: str
    pattern: str
    status: JobStatus
    submitted_at: Time | None = omitted()
    runs: tuple[Time, ...] = ()
    ended_at: Time | None = omitted()
    #: By when they were dispatched.
    steps: tuple[StepTimes, ...] = ()
    waits: tuple[WaitTimes, ...] = ()
    truncated: bool = False
