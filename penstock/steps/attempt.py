"""One attempt at a step, and what is told of it as a span, within that of its step.

The step's span begins when the step was dispatched, and has an id that follows from its key. It is exported with the
attempt that ends the step: the one whose outcome stands, or that is at work when the job ends. One that is killed
leaves nothing.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Self

from nats.aio.msg import Msg

from penstock import tracing
from penstock.contracts.journal import Outcome
from penstock.contracts.usage import Usage
from penstock.contracts.wire import JobName
from penstock.errors import BusUnavailable
from penstock.jetstream.settling import Later
from penstock.steps.executor import NobodyWaits
from penstock.steps.spending import Bill

_WHY = {NobodyWaits: "nobody_waits", asyncio.CancelledError: "handed_back", BusUnavailable: "bus_unavailable"}


class Waiting(asyncio.Event):
    """Set as soon as nobody waits for a step: it has an outcome, or its job has ended."""

    job_ended = False


class Traced:
    """As `with`, around the attempt: what is logged, sent and asked in it belongs to it."""

    def __init__(
        self,
        job: JobName,
        pattern: str,
        step: str,
        key: str,
        attempt: int,
        *,
        dispatched: float,
        asks: bool,
        waiting: Waiting,
    ) -> None:
        about = {"penstock.job.id": job.id, "penstock.tenant": job.tenant, "penstock.key": key}
        where = {**about, "penstock.pattern": pattern}
        self._step = tracing.begin(step, where, job=job, id=f"step {key}", at=dispatched)
        tool = {} if asks else {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": step}
        self._attempt = tracing.begin(f"attempt {attempt}", {**about, "penstock.attempt": attempt, **tool})
        self._waiting = waiting
        #: The step's, if this attempt has written it.
        self.outcome: Outcome | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, Later) and error.__cause__ is None:  # it has not begun: too many wait here
            return
        if (outcome := self.outcome) is not None:
            code = outcome.failure.code if outcome.failure else None
            self._attempt.end(error=code)
            self._step.end(_described(outcome), error=code)
            return
        why = getattr(error.__cause__, "code", None) if error is not None else None
        self._attempt.end(error=why or _WHY.get(kind or NobodyWaits, "_OTHER"))
        if self._waiting.job_ended:
            self._step.end(error="job_ended")


def _described(outcome: Outcome) -> dict[str, Any]:
    usage = outcome.usage
    return {
        "penstock.attempts": outcome.attempt,
        "penstock.service": outcome.service,
        "penstock.cached": outcome.cached or None,
        "gen_ai.usage.input_tokens": usage.prompt_tokens if usage.calls else None,
        "gen_ai.usage.output_tokens": usage.output_tokens + usage.thinking_tokens if usage.calls else None,
        "penstock.cost_usd": usage.cost_usd,
    }


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a step. Numbers count from 1; one may repeat, `id` does not. `spent`: what earlier ones cost."""

    job: JobName
    pattern: str
    step: str
    key: str
    number: int
    id: str
    spent: Usage
    bill: Bill
    message: Msg
    traced: Traced

    @property
    def about(self) -> dict[str, Any]:
        return {**self.job.about, "pattern": self.pattern, "step": self.step, "key": self.key, "attempt": self.number}
