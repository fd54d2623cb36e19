"""What is known of a running job: its steps and the result as far as it has grown."""

from dataclasses import dataclass
from typing import Any, Literal

from penstock.client import grown
from penstock.contracts.events import (
    Delta,
    Event,
    JobAccepted,
    JobCancelled,
    JobCompleted,
    JobFailed,
    PartReset,
    StepCompleted,
    StepFailed,
    StepRetrying,
    StepStarted,
)
from penstock.contracts.job import JobState, Snapshot
from penstock.contracts.problem import Problem
from penstock.contracts.usage import Usage
from penstock.document import Document


@dataclass(slots=True)
class StepRow:
    """One step. Times are seconds since the job was submitted."""

    key: str
    status: Literal["running", "retrying", "completed", "failed"]
    began: float
    model: str | None = None
    attempt: int = 1
    characters: int = 0
    seconds: float | None = None
    usage: Usage | None = None
    note: str = ""


class Progress:
    """Fed with a job's events."""

    def __init__(self, pattern: str, job: str = "") -> None:
        self.pattern, self.job = pattern, job
        self.steps: dict[str, StepRow] = {}
        self.document = Document()
        self.status = "queued"
        self.problem: Problem | None = None
        self.usage: Usage | None = None
        #: Seconds until the first token of a model; until the end.
        self.first: float | None = None
        self.took: float | None = None

    @property
    def value(self) -> Any:
        return self.document.value

    def apply(self, event: Event | Snapshot, at: float) -> None:
        """`at`: seconds since the submission."""
        self.document = grown(self.document, event)
        if isinstance(event, Delta) and self.first is None:
            self.first = at
        match event:
            case JobAccepted(job=job):
                self.job, self.status = job, "running"
            case StepStarted(k=key, a=attempt, model=model):
                self.steps[key] = StepRow(key, "running", at, model=model, attempt=attempt)
            case Delta(k=key, t=t) if key in self.steps:
                self.steps[key].characters += len(t)
            case PartReset(k=key) if key in self.steps:
                self.steps[key].characters = 0
            case StepRetrying(k=key, code=code, delay_seconds=delay) if key in self.steps:
                self.steps[key].status = "retrying"
                self.steps[key].note = f"{code}, again in {delay:.1f} s"
            case StepCompleted() | StepFailed():
                self._end_step(event, at)
            case JobCompleted() | JobFailed() | JobCancelled():
                self.status, self.usage, self.took = event.type.removeprefix("job."), event.usage, at
                self.problem = event.problem if isinstance(event, JobFailed) else None

    def _end_step(self, event: StepCompleted | StepFailed, at: float) -> None:
        row = self.steps.setdefault(event.key, StepRow(event.key, "running", at))
        row.seconds, row.usage, row.attempt = event.duration_ms / 1000, event.usage, event.attempt
        row.model = event.model or row.model
        if isinstance(event, StepFailed):
            row.status, row.note = "failed", event.problem.code
        else:
            row.status, row.note = "completed", "cached" if event.cached else ""

    @classmethod
    def of(cls, state: JobState) -> "Progress":
        """Of a job as it was looked up."""
        progress = cls(state.pattern, state.id)
        progress.status, progress.problem, progress.usage = state.status, state.problem, state.usage
        progress.document.result = state.result
        if state.accepted_at is not None and state.ended_at is not None:
            progress.took = (state.ended_at - state.accepted_at).total_seconds()
        for step in state.steps:
            progress.steps[step.key] = StepRow(
                step.key,
                "failed" if step.problem else "completed",
                0.0,
                model=step.model,
                attempt=step.attempt,
                seconds=step.duration_ms / 1000,
                usage=step.usage,
                note=step.problem.code if step.problem else "cached" if step.cached else "",
            )
        return progress
