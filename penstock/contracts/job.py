"""Jobs and patterns as callers see them."""

from typing import Any, Literal

from penstock.contracts.problem import Problem
from penstock.contracts.usage import Execution, Usage
from penstock.contracts.waiting import Waiting
from penstock.contracts.wire import Time, Token, Tolerant, Wire, omitted

#: `waiting`: only for signals and time; nothing works on it.
JobStatus = Literal["queued", "running", "waiting", "completed", "failed", "cancelled"]


class StepState(Execution):
    """A step that has an outcome."""

    service: str
    problem: Problem | None = omitted()


class QueuedStep(Tolerant):
    """A step that nobody has begun."""

    key: str
    step: str
    service: str
    #: Steps of its kind that wait, with this one.
    depth: int
    #: Whether anybody asks for steps of its kind, or has some. If not, it waits for a process of its service.
    served: bool


class JobState(Tolerant):
    """What `GET /jobs/<id>` answers."""

    id: str
    pattern: str
    status: JobStatus
    accepted_at: Time | None = omitted()
    deadline: Time | None = omitted()
    ended_at: Time | None = omitted()
    #: The first job that this one is another try at, and the next try at this one.
    retry_of: str | None = omitted()
    retried_as: str | None = omitted()
    steps: tuple[StepState, ...] = ()
    #: What it waits for beside its steps, as far as that has not come yet.
    waiting: tuple[Waiting, ...] = ()
    #: Of a job that runs, where it is looked at by itself.
    queued: tuple[QueuedStep, ...] = ()
    result: dict[str, Any] | None = omitted()
    problem: Problem | None = omitted()
    missing: tuple[str, ...] = ()
    usage: Usage

    @property
    def ended(self) -> bool:
        return self.status not in ("queued", "running", "waiting")

    @property
    def can_be_retried(self) -> bool:
        return self.status in ("failed", "cancelled")


class JobSummary(Tolerant):
    """A job in a list."""

    id: str
    #: Whose it is, in a list of all tenants' jobs.
    tenant: str | None = omitted()
    pattern: str
    status: JobStatus
    accepted_at: Time
    ended_at: Time | None = omitted()
    problem: Problem | None = omitted()


class JobPage(Tolerant):
    """What `GET /jobs` answers, newest first. `next` is the cursor of the next page, if there may be one."""

    jobs: tuple[JobSummary, ...]
    next: str | None = omitted()


class Snapshot(Tolerant):
    """What an event reader gets in place of events that are no longer kept: it replaces all that came before.

    `result` is what the finished steps have written, or the whole result; values that the run itself
    knows are missing until then.
    """

    type: Literal["snapshot"] = "snapshot"
    job: str
    pattern: str
    status: JobStatus
    result: dict[str, Any]
    #: Keys of the steps that are done.
    steps: tuple[str, ...]
    #: What it waits for beside its steps.
    waiting: tuple[Waiting, ...] = ()
    usage: Usage


class JobReference(Wire):
    """Which job is meant."""

    id: Token


class PatternContract(Tolerant):
    """A pattern: what it takes and gives, and the bodies of its signals, as JSON Schema; a request that shows it.

    `drawing`: lines of text that show its steps, named in capitals, as its author has drawn it above its code.
    """

    name: str
    summary: str
    drawing: str | None = omitted()
    request: dict[str, Any]
    result: dict[str, Any]
    signals: dict[str, dict[str, Any]] = {}
    example: dict[str, Any]


class PatternList(Tolerant):
    patterns: tuple[PatternContract, ...]
