"""When what of a job happened: read off its journal, its events and its steps' queue, whose times are NATS's."""

from collections import defaultdict
from itertools import zip_longest
from typing import Any

from pydantic import ValidationError

from penstock.contracts import events
from penstock.contracts.job import JobState
from penstock.contracts.journal import Outcome, Wasted, is_step, lost_key, wasted_key
from penstock.contracts.timeline import AttemptTimes, JobTimeline, QueuedAt, StepTimes, WaitTimes
from penstock.contracts.usage import Usage
from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.stored import Stored
from penstock.jobs.lookup import unix

#: Members of an attempt, or of a step, as far as they are known; times are Unix seconds.
_Fields = dict[str, Any]


async def timeline(bus: Bus, job: JobName, state: JobState) -> JobTimeline:
    """Of a job in this state. Work is that of reading its events once."""
    told = _Told()
    # the queue before the journal: a step leaves it once its outcome is there
    queued = [one async for one in bus.history(subjects.step("*", "*", "*", job, "*", lane="*"))]
    async for stored in bus.history(subjects.events(job)):
        for text in stored.data.split(b"\n"):
            told.event(text, unix(stored.time))
    facts = {subjects.key_of(one.subject): one async for one in bus.history(subjects.journal(job, ">"))}
    for stored in queued:
        service, _, step, _, key = subjects.of_step(stored.subject)
        told.steps[key] |= {"service": service, "step": step, "dispatched_at": unix(stored.time)}
    for key, fact in facts.items():
        if is_step(key):
            told.outcome(Outcome.model_validate_json(fact.data), unix(fact.time))
    steps = [told.step(key, facts, over=state.ended) for key in told.steps]
    known = {"id": job.id, "pattern": state.pattern, "status": state.status, "ended_at": state.ended_at}
    return JobTimeline(
        **known,
        submitted_at=state.accepted_at,
        runs=tuple(told.runs),
        steps=tuple(sorted(steps, key=lambda one: (_begin(one), one.key))),
        waits=tuple(WaitTimes(**fields) for fields in told.waits.values()),
        truncated=bool(told.outcomes) and not told.runs,
    )


class _Told:
    """What events and outcomes say, by key. Events may come twice: the first time counts."""

    def __init__(self) -> None:
        self.runs: list[float] = []
        self.steps: dict[str, _Fields] = defaultdict(dict)
        #: By key, and by the attempt's name, in the order they began in.
        self.attempts: dict[str, dict[str, _Fields]] = defaultdict(dict)
        self.waits: dict[str, _Fields] = {}
        self.outcomes: dict[str, tuple[Outcome, float]] = {}
        self._voided: set[tuple[str, int]] = set()

    def event(self, text: bytes, at: float) -> None:
        try:
            event = events.EVENT.validate_json(text)
        except ValidationError:  # of a newer replica
            return
        match event:
            case events.JobAccepted():
                self.runs.append(at)
            case events.StepQueued():
                step = self.steps[event.key]
                step |= {"service": event.service, "step": event.step}
                note = QueuedAt(at=at, depth=event.depth, served=event.served, model=event.model)
                step["queued"] = (*step.get("queued", ()), note)
            case events.StepStarted():
                self.steps[event.k] |= {"service": event.service, "step": event.step}
                fresh: _Fields = {"attempt": event.a, "id": event.i, "model": event.model, "started_at": at}
                self.attempts[event.k].setdefault(event.i, fresh)
            case events.JobWaiting():
                self.waits.setdefault(event.key, {"key": event.key, "signal": event.signal, "began_at": at})
            case events.JobResumed() if event.key in self.waits:
                self.waits[event.key] |= {"ended_at": at, "timed_out": event.timed_out}
            case events.StepEvent() if (attempt := self.attempts[event.k].get(event.i)) is not None:
                self._of_attempt(event, attempt, at)

    def _of_attempt(self, event: events.StepEvent, attempt: _Fields, at: float) -> None:
        match event:
            case events.Delta():
                attempt.setdefault("first_token_at", at)
            case events.PartReset() if (event.i, event.n) not in self._voided:
                self._voided.add((event.i, event.n))
                attempt["resets"] = (*attempt.get("resets", ()), at)
            case events.StepRetrying():
                again = {"end": "retried", "code": event.code, "delay_seconds": event.delay_seconds}
                attempt |= again | {"usage": event.usage, "ended_at": at}

    def outcome(self, outcome: Outcome, at: float) -> None:
        self.outcomes[outcome.key] = outcome, at
        self.steps[outcome.key] |= {"service": outcome.service, "step": outcome.step, "ended_at": at}
        if not outcome.i and outcome.failure is None:
            self.steps[outcome.key]["inherited"] = True
        elif outcome.dispatched_at is not None:
            self.steps[outcome.key]["dispatched_at"] = outcome.dispatched_at
        if (attempt := self.attempts[outcome.key].get(outcome.i)) is not None:
            failure = {"end": "failed", "code": outcome.failure.code} if outcome.failure else {"end": "completed"}
            attempt |= failure | {"ended_at": at, "usage": sum(outcome.paid.values(), start=Usage())}
            attempt["model"] = outcome.model or attempt["model"]

    def step(self, key: str, facts: dict[str, Stored], *, over: bool) -> StepTimes:
        attempts = list(self.attempts[key].values())
        for one, next_one in zip_longest(attempts, attempts[1:]):
            if "end" in one:
                continue
            wasted, lost = (facts.get(of(one["id"])) for of in (wasted_key, lost_key))
            if wasted is not None:
                paid = Wasted.model_validate_json(wasted.data).paid
                used = sum(paid.values(), start=Usage())
                one |= {"end": "cut_off", "ended_at": unix(wasted.time), "usage": used}
            elif next_one is not None or lost is not None:
                at = unix(lost.time) if lost else next_one["started_at"] if next_one else None
                one |= {"end": "taken_over", "ended_at": at}
            elif over or key in self.outcomes:
                one |= {"end": "cut_off"}
        return StepTimes(key=key, attempts=tuple(AttemptTimes(**one) for one in attempts), **self.steps[key])


def _begin(step: StepTimes) -> float:
    began = step.dispatched_at or (step.attempts[0].started_at if step.attempts else step.ended_at)
    return began.timestamp() if began else 0.0
