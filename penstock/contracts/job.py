"""A job as callers see it."""

from typing import Any, Literal

from penstock.contracts.problem import Problem
from penstock.contracts.usage import Usage
from penstock.contracts.wire import Fact, omitted


class StepState(Fact):
    """A step that has an outcome."""

    step: str
    key: str
    attempt: int
    service: str
    model: str | None = omitted()
    usage: Usage
    cached: bool = False
    duration_ms: int
    problem: Problem | None = omitted()


class JobState(Fact):
    """What `GET /jobs/<id>` answers. Times are Unix seconds."""

    id: str
    pattern: str
    status: Literal["queued", "running", "completed", "failed", "cancelled"]
    accepted_at: float | None = omitted()
    deadline: float | None = omitted()
    ended_at: float | None = omitted()
    steps: tuple[StepState, ...] = ()
    result: dict[str, Any] | None = omitted()
    problem: Problem | None = omitted()
    missing: tuple[str, ...] = ()
    usage: Usage
