"""Events: everything a caller may see of a job, in the order of `events.<tenant>.<job>`.

Two kinds of writers publish them, and readers recognise a repeated event of either:

- An executor numbers the events of one step: `k` (the step's key), `a` and `i` (the attempt: its number, and a
  random name, since a killed NATS server may forget how often it has delivered a step) and `n` (0, 1, 2 … within
  the attempt). A reader takes, for each `k`, only the next `n` of the newest attempt: the one that began last of those
  with the highest `a`. So a paused replica, a repeated publish or one that came out of order changes nothing.
- The run itself (job.*, step.completed, step.failed, part.value, part.close, part.retract) gives each event an
  `id` unique in the job; a replay may publish it again, and readers ignore an `id` they have seen.

`p` is an RFC 6901 pointer into the result.

A message of NATS has one event, or several that were ready together: each a line.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, TypeAdapter

from penstock.contracts.problem import Problem
from penstock.contracts.usage import Execution, Usage
from penstock.contracts.waiting import Waiting
from penstock.contracts.wire import Time, Tolerant, omitted


class RunEvent(Tolerant):
    """An event of the run itself: known by its id."""

    id: str
    type: str


class StepEvent(Tolerant):
    """An event of a step's executor: known by key, attempt and number."""

    k: str
    a: int
    i: str = ""
    n: int
    type: str


class JobAccepted(RunEvent):
    """An aggregator runs the job; it will end by `deadline`."""

    type: Literal["job.accepted"] = "job.accepted"
    job: str
    pattern: str
    deadline: Time


class StepQueued(RunEvent):
    """The step `key` waits for seconds, one of `depth` of its kind. `served`: whether anybody executes such; it may be
    told again when that changes. `model`: it has a worker, and waits for its turn to ask that model, one of `depth`
    there.
    """

    type: Literal["step.queued"] = "step.queued"
    key: str
    step: str
    service: str
    depth: int
    served: bool
    model: str | None = omitted()


class StepStarted(StepEvent):
    """An executor has begun an attempt at a step: `n` is 0. `model` where it is known before the reply.

    `thinking` (a level, or tokens) and `temperature` are what it is asked with, where it is told of them.
    """

    type: Literal["step.started"] = "step.started"
    step: str
    service: str
    model: str | None = omitted()
    thinking: str | int | None = omitted()
    temperature: float | None = omitted()


class PartStart(StepEvent):
    """A value begins to grow at `p`."""

    type: Literal["part.start"] = "part.start"
    p: str


class Delta(StepEvent):
    """`t` is the next piece of the raw JSON text of the value at `p`; never half an escape sequence."""

    type: Literal["delta"] = "delta"
    p: str
    t: str


class PartEnd(StepEvent):
    """The value at `p` is whole; `length` is the number of characters of its JSON text."""

    type: Literal["part.end"] = "part.end"
    p: str
    length: int


class PartReset(StepEvent):
    """What the step `k` wrote at or below `p` is void: it is written anew."""

    type: Literal["part.reset"] = "part.reset"
    p: str


class StepRetrying(StepEvent):
    """This attempt failed with `code`, and cost `usage`; the step is tried again in about `delay_seconds`."""

    type: Literal["step.retrying"] = "step.retrying"
    code: str
    delay_seconds: float
    usage: Usage = Usage()


class PartValue(RunEvent):
    """A value that the run itself knows, whole: `t` is its JSON text."""

    type: Literal["part.value"] = "part.value"
    p: str
    t: str


class PartClose(RunEvent):
    """Nothing more will come at or below `p` (an array that is complete, an optional member that stays out)."""

    type: Literal["part.close"] = "part.close"
    p: str


class PartRetract(RunEvent):
    """What is at or below `p` is void, whoever wrote it: the run has another step write it anew."""

    type: Literal["part.retract"] = "part.retract"
    p: str


class StepEnded(Execution, RunEvent):
    """The step `key` has its outcome, from attempt `i`, which wrote `n` events. Ignore any later event of this step.

    A reader that was shown something else (another attempt, or not all `n`) replaces it by the outcome's value.
    """

    i: str = ""
    n: int | None = omitted()


class StepCompleted(StepEnded):
    type: Literal["step.completed"] = "step.completed"


class StepFailedEvent(StepEnded):
    """The step failed for good."""

    type: Literal["step.failed"] = "step.failed"
    problem: Problem


class JobWaiting(Waiting, RunEvent):
    """The run waits for a signal, whose body fits `body_schema`, or for a time. Other steps of it may go on."""

    type: Literal["job.waiting"] = "job.waiting"


class JobResumed(RunEvent):
    """The wait `key` is over: its signal came, or (`timed_out`) did not come in time; a sleep has no signal."""

    type: Literal["job.resumed"] = "job.resumed"
    key: str
    signal: str | None = omitted()
    timed_out: bool = False


class JobCompleted(RunEvent):
    """The job is done; `result` is the authority on what was streamed."""

    type: Literal["job.completed"] = "job.completed"
    result: dict[str, Any]
    usage: Usage
    #: Members of the result itself (not deeper) that are null, such as a review that failed (parallel-processing).
    missing: tuple[str, ...] = ()


class JobFailed(RunEvent):
    type: Literal["job.failed"] = "job.failed"
    problem: Problem
    usage: Usage


class JobCancelled(RunEvent):
    type: Literal["job.cancelled"] = "job.cancelled"
    usage: Usage


class SubmissionRefused(RunEvent):
    """Another message submitted this job's id, to `pattern` or with another body, and is not run. The job goes on.

    No event of the job: of use only to whoever published that message, and nothing to other readers.
    """

    type: Literal["submission.refused"] = "submission.refused"
    pattern: str
    problem: Problem


Event = Annotated[
    JobAccepted
    | StepQueued
    | StepStarted
    | PartStart
    | Delta
    | PartEnd
    | PartReset
    | StepRetrying
    | PartValue
    | PartClose
    | PartRetract
    | StepCompleted
    | StepFailedEvent
    | JobWaiting
    | JobResumed
    | JobCompleted
    | JobFailed
    | JobCancelled,
    Field(discriminator="type"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
EVENTS: tuple[type[RunEvent | StepEvent], ...] = get_args(get_args(Event)[0])
TERMINAL = (JobCompleted, JobFailed, JobCancelled)
#: An event's place is the sequence of its message times this, and how many are before it there: fewer than this.
PLACES = 1000


def texts_of(message: bytes) -> list[bytes]:
    """The JSON texts of a message's events."""
    return message.split(b"\n")
