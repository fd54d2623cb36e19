"""What is known of a running job: its steps, and the result so far."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from penstock.client.job_events import with_event
from penstock.contracts import events
from penstock.contracts.job import JobState, QueuedStep, Snapshot, StepState
from penstock.contracts.problem import Problem
from penstock.contracts.usage import Usage
from penstock.contracts.waiting import Waiting
from penstock.document import Document, Shape
from penstock.patterns.loading import load
from penstock.settings import Settings


@dataclass(slots=True)
class StepRow:
    """One step. Times are seconds since the job was submitted."""

    key: str
    status: Literal["queued", "running", "retrying", "completed", "failed"] = "running"
    began: float = 0.0
    model: str | None = None
    prompt: str | None = None
    attempt: int = 1
    characters: int = 0
    seconds: float | None = None
    usage: Usage | None = None
    cached: bool = False
    note: str = ""

    def end(self, outcome: StepState | events.StepCompleted | events.StepFailedEvent) -> None:
        problem = None if isinstance(outcome, events.StepCompleted) else outcome.problem
        self.seconds, self.usage, self.attempt = outcome.duration_ms / 1000, outcome.usage, outcome.attempt
        self.model, self.prompt, self.cached = outcome.model or self.model, outcome.prompt, outcome.cached
        self.status, self.note = ("failed", problem.code) if problem else ("completed", "")


class Progress:
    """Fed with a job's events as they come. `submitted`: when; not given: now. `shape` is that of the result."""

    def __init__(self, pattern: str, job: str = "", submitted: datetime | None = None) -> None:
        self.pattern, self.job = pattern, job
        known = load(Settings().patterns).get(pattern)
        self.shape = Shape.of(known.result) if known else Shape({}, {})
        self.submitted = submitted or datetime.now(UTC)
        self.steps: dict[str, StepRow] = {}
        #: What it waits for beside its steps.
        self.waiting: dict[str, Waiting] = {}
        self.document = Document()
        self.status = "queued"
        self.problem: Problem | None = None
        self.usage: Usage | None = None
        #: Seconds until the first token of a model; until the end.
        self.first: float | None = None
        self.took: float | None = None

    @property
    def elapsed(self) -> float:
        """Seconds from the submission until now, or until the end."""
        return (datetime.now(UTC) - self.submitted).total_seconds() if self.took is None else self.took

    def apply(self, event: events.Event | Snapshot) -> None:
        self.document = with_event(self.document, event)
        match event:
            case events.JobAccepted(job=job):
                self.job, self.status = job, "running"
            case events.StepQueued(key=key) if key not in self.steps or self.steps[key].status == "queued":
                began = self.steps[key].began if key in self.steps else self.elapsed
                self.steps[key] = StepRow(key, "queued", began=began, note=self.why_queued(event))
            case events.StepStarted(k=key, a=attempt, model=model):
                self.steps[key] = StepRow(key, began=self.elapsed, model=model, attempt=attempt)
            case events.Delta(k=key, t=t) if key in self.steps:
                self.first = self.first or self.elapsed
                self.steps[key].characters += len(t)
            case events.PartReset(k=key) if key in self.steps:
                self.steps[key].characters = 0
            case events.StepRetrying(k=key, code=code, delay_seconds=delay) if key in self.steps:
                self.steps[key].status, self.steps[key].note = "retrying", f"{code}, again in {delay:.1f} s"
            case events.StepCompleted() | events.StepFailedEvent():
                self.steps.setdefault(event.key, StepRow(event.key)).end(event)
            case events.JobWaiting(key=key):
                self.waiting[key] = event
            case events.JobResumed(key=key):
                self.waiting.pop(key, None)
            case events.JobCompleted() | events.JobFailed() | events.JobCancelled():
                self.took = self.elapsed
                self.waiting = {}
                self.status, self.usage = event.type.removeprefix("job."), event.usage
                self.problem = event.problem if isinstance(event, events.JobFailed) else None

    def why_queued(self, step: events.StepQueued | QueuedStep) -> str:
        """What a step waits for, and what would help."""
        if isinstance(step, events.StepQueued) and step.model is not None:
            return f"waiting for its turn to ask {step.model}, which is limited or pauses"
        if step.served:
            others = f", behind up to {step.depth - 1} others" if step.depth > 1 else ""
            return f"waiting for a free slot of the service {step.service}{others}"
        return (
            f"waiting for a worker: nobody serves {step.service}/{self.pattern}/{step.step}; "
            f"start one with `penstock serve {step.service}`"
        )

    @classmethod
    def of(cls, state: JobState) -> "Progress":
        """Of a job as it was looked up."""
        progress = cls(state.pattern, state.id, state.accepted_at)
        progress.status, progress.problem, progress.usage = state.status, state.problem, state.usage
        progress.document.result = state.result
        progress.waiting = {one.key: one for one in state.waiting}
        if state.accepted_at is not None and state.ended_at is not None:
            progress.took = (state.ended_at - state.accepted_at).total_seconds()
        for step in state.steps:
            progress.steps.setdefault(step.key, StepRow(step.key)).end(step)
        for queued in state.queued:
            note = progress.why_queued(queued)
            progress.steps[queued.key] = StepRow(queued.key, "queued", began=progress.elapsed, note=note)
        return progress
