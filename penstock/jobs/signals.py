"""What is said to a job while it runs, from outside: signals."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from penstock.contracts.job import JobState
from penstock.contracts.waiting import Signal, signal_key
from penstock.contracts.wire import JobName, is_token
from penstock.errors import Refused
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jobs.lookup import Record, read, state_of
from penstock.jobs.refusals import invalid_request, known
from penstock.pattern import Pattern

#: So many patterns are in one another at most (penstock.runs.replay).
_DEEPEST = 8
#: Signals of a job, and bytes of them, above which it is given those only that it waits for: each run of it
#: holds them all.
MOST, MOST_BYTES = 500, 4 * 1024 * 1024


async def signal(bus: Bus, patterns: Mapping[str, Pattern[Any, Any]], job: JobName, name: str, body: bytes) -> Signal:
    """Store a signal for a job that waits for it, or may come to: what the job will be, or was, given.

    The first of a name counts; the same once more is answered like the first. Raises Failure: unknown_job,
    unknown_signal, job_ended, signal_taken, too_many_signals, or invalid_request naming each field.
    """
    record = await read(bus, job) if is_token(job.id) else Record(())
    state = known(job.id, await state_of(bus, job, record) if is_token(job.id) else None)
    model = _model(record, patterns.get(state.pattern), state, name)
    said = _parsed(model, state, name, body, at=bus.time.now())
    subject = subjects.journal(job, signal_key(name))
    awaited = any(one.signal == name for one in record.waiting)
    full = not awaited and (len(record.said) >= MOST or sum(record.said) >= MOST_BYTES)
    if full and not state.ended and await bus.last_from_leader(subject) is None:
        raise Refused(
            "too_many_signals", f"job {job.id} was given {len(record.said)} signals, {sum(record.said)} bytes"
        )
    if not state.ended and await bus.once(subject, said.model_dump_json().encode()):
        return said
    if first := await bus.last_from_leader(subject):
        if (taken := Signal.model_validate_json(first.data)).body == said.body:
            return taken
        raise Refused("signal_taken", f"job {job.id} was given {name!r} before, with another body")
    raise Refused("job_ended", f"job {job.id} is {state.status}")


def _model(record: Record, pattern: Pattern[Any, Any] | None, state: JobState, name: str) -> type[BaseModel]:
    """Of the signal's body: where parts of the pattern have several of that name, the one of the wait."""
    if pattern is None:
        raise Refused("unknown_pattern", f"the pattern {state.pattern!r} of job {state.id} is not known here")
    is_name = is_token(name) and name.count("__") <= _DEEPEST  # each part of it may be any pattern's
    models = list(dict.fromkeys(pattern.models_of_signal(name))) if is_name else []
    if not models:
        has = ", ".join(sorted(pattern.signals)) or "none"
        raise Refused("unknown_signal", f"{pattern.name} has no signal {name[:100]!r}; it has {has}")
    if len(models) == 1:
        return models[0]
    schemas = [wait.body_schema for wait in record.begun if wait.signal == name]
    return next((model for model in models if model.model_json_schema(by_alias=True) in schemas), models[0])


def _parsed(model: type[BaseModel], state: JobState, name: str, body: bytes, *, at: float) -> Signal:
    """The body is stored as its model writes it: spelling and written-out defaults make no other signal of it."""
    try:
        written = model.model_validate_json(body).model_dump_json(by_alias=True)
        model.model_validate_json(written)  # as the job will: what it could not read would end it
    except ValidationError as error:
        raise invalid_request(error) from None
    return Signal(job=state.id, name=name, body=from_json(written), received_at=datetime.fromtimestamp(at, UTC))
