"""What is told of a job's run, and of its end, by who has its message: lines of the log, a span, a failure."""

import logging
from collections.abc import Mapping
from typing import Any

from penstock import correlation, tracing
from penstock.contracts.events import JobAccepted
from penstock.contracts.journal import JobEnd, JobStart
from penstock.contracts.wire import JobName
from penstock.errors import BusUnavailable, Failure
from penstock.jetstream.bus import Bus
from penstock.jetstream.event_log import stored_events
from penstock.jetstream.settling import TooNew
from penstock.mistakes import leaves, told
from penstock.pattern import Pattern
from penstock.runs.turns import Submitted
from penstock.settings import Settings

log = logging.getLogger(__name__)


class Told:
    """From here on all is about the job, as it was submitted. Its span is made by its end: a replay begins the same."""

    def __init__(self, job: JobName, pattern: str, submitted: Submitted, about: Mapping[str, Any]) -> None:
        self._about = {**about, "pattern": pattern}
        correlation.add(pattern=pattern, trace=correlation.of_message(submitted.headers).trace)
        named = {
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.workflow.name": pattern,
            "penstock.job.id": job.id,
            "penstock.tenant": job.tenant,
        }
        self._span = tracing.begin(pattern, named, job=job, id="job", at=submitted.at)

    def begins(self) -> None:
        log.info("job begins", extra=self._about)

    def ended(self, start: JobStart, end: JobEnd) -> None:
        code = end.problem.code if end.problem else None
        took = {"duration_ms": round((end.ended_at - start.accepted_at) * 1_000), **({"code": code} if code else {})}
        log.info("job %s", end.status, extra=self._about | took)
        used = {
            "penstock.status": end.status,
            "gen_ai.usage.input_tokens": end.usage.prompt_tokens,
            "gen_ai.usage.output_tokens": end.usage.output_tokens + end.usage.thinking_tokens,
            "penstock.cost_usd": end.usage.cost_usd,
        }
        self._span.end(used, error=code, at=end.ended_at)


async def times_begun(bus: Bus, job: JobName) -> int:
    """How often a job's run has begun. Deliveries are no measure: if NATS stores nothing they begin nothing."""
    return sum([isinstance(event, JobAccepted) async for event in stored_events(bus, job)])


def failure_of(error: BaseException, pattern: Pattern[Any, Any], settings: Settings) -> Failure:
    """Why a pattern ended with `error`; a group stands for its first Failure.

    Raises BusUnavailable and TooNew if it is one, or has the first among others: that is no reason for the job to fail.
    """
    all_of_it = leaves(error)
    if not_its_own := next((leaf for leaf in all_of_it if isinstance(leaf, TooNew | BusUnavailable)), None):
        raise not_its_own
    if failure := next((leaf for leaf in all_of_it if isinstance(leaf, Failure)), None):
        return failure
    said = told(all_of_it[0], pattern.run)
    brief = f"{type(all_of_it[0]).__name__} in the pattern {pattern.name}"
    log.error("a pattern raised: %s", said if settings.log_contents else brief, exc_info=error)
    return Failure("pattern_error", said if settings.show_errors else brief)
