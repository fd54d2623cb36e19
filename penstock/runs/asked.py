"""What a step was asked, once its message is gone: the job is replayed from its journal until it asks for the step.

Nothing is dispatched, written or told, and what the journal does not have never comes.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from penstock.cancelling import stop
from penstock.contracts.events import Event
from penstock.contracts.journal import JobStart, Outcome, is_step
from penstock.contracts.step import StepMessage
from penstock.contracts.wire import JobName
from penstock.errors import Failure
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jobs.submission import parse_request
from penstock.mistakes import leaves, told
from penstock.pattern import Pattern
from penstock.runs.earlier import Earlier
from penstock.runs.journal import Journal, Written
from penstock.runs.replay import ReplayRun
from penstock.runs.waiting import Waits
from penstock.runs.work import AGGREGATOR, Work
from penstock.settings import Settings

#: Seconds that a replay may take.
_PATIENCE = 2.0
#: A replay waits for what does not come if so many looks, with a pause of these seconds before each, see nothing new.
_LOOKS, _PAUSE = 20, 0.005


@dataclass(frozen=True, slots=True)
class Asked:
    """A step of a job: its outcome, if it has one; its message, or `why` that is not known.

    `changed`: by the code that there is, the step would not be asked what it was asked.
    """

    outcome: Outcome | None
    message: StepMessage | None = None
    why: str | None = None
    changed: bool = False


class _Past(Journal):
    """A job's facts as they were when they were read: nothing is written, and a run that would is kept waiting."""

    async def write(self, key: str, fact: Written) -> Written:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]


class _Seen:
    """Hears a run, to know what it asks for, and whether it still does anything. It is the log of a job as well."""

    def __init__(self, key: str) -> None:
        self._key, self._heard = key, 0
        self.message: asyncio.Future[StepMessage] = asyncio.get_running_loop().create_future()

    def asked(self, message: StepMessage) -> None:
        self._heard += 1
        if message.key == self._key and not self.message.done():
            self.message.set_result(message)

    def send(self, event: Event) -> None:
        self._heard += 1

    async def flush(self) -> None: ...

    async def quiet(self) -> None:
        """Return once nothing has been heard for a while."""
        looked, heard = 0, self._heard
        while looked < _LOOKS:
            await asyncio.sleep(_PAUSE)
            looked = looked + 1 if self._heard == heard else 0
            heard = self._heard


async def asked(
    bus: Bus, job: JobName, body: bytes, key: str, patterns: Mapping[str, Pattern[Any, Any]], settings: Settings
) -> Asked | None:
    """The step `key` of a job that was submitted with `body`; None where it has no such step.

    Work is that of reading the job's facts, and of running its pattern for at most two seconds.
    """
    # the queue before the journal: a step leaves it once its outcome is there
    queued = await _queued(bus, job, key)
    journal = _Past(bus, job)
    await journal.read()
    if (start := journal.start) is None or not is_step(key):
        return None
    outcome = journal.outcome(key)
    if queued is not None:
        return Asked(outcome, queued)
    if outcome is not None and outcome.service == AGGREGATOR and not outcome.fingerprint:
        return Asked(outcome, why="The run decided it itself: it has no input.")
    earlier = await Earlier.of(bus, job, start)
    try:
        message = await _replayed(bus, job, journal, start, body, key, patterns, settings, earlier)
    except TimeoutError:
        return Asked(outcome, why="A replay of the job takes too long.") if outcome else None
    except Exception as error:  # whatever the pattern raises
        all_of_it = leaves(error)
        failure = next((leaf for leaf in all_of_it if isinstance(leaf, Failure)), None)
        brief = type(all_of_it[0]).__name__
        raised = told(all_of_it[0], patterns[start.pattern].run) if settings.show_errors else brief
        said = failure.detail if failure else raised
        why = f"A replay of the job ends before it comes to this step: {said}"
        changed = failure is not None and failure.code == "replay_mismatch"
        return Asked(outcome, why=why, changed=changed) if outcome else None
    if outcome is None:
        return Asked(None, message) if message else None
    if message is None:
        return Asked(outcome, why="By its code of today the pattern does not ask for this step.", changed=True)
    if outcome.fingerprint and (outcome.step, outcome.fingerprint) != (message.step, message.fingerprint):
        why = "By its code of today the pattern gives this step another input than it had."
        return Asked(outcome, why=why, changed=True)
    return Asked(outcome, message)


async def _queued(bus: Bus, job: JobName, key: str) -> StepMessage | None:
    """The step's message, while it is kept."""
    async for stored in bus.history(subjects.STEPS, subjects.step("*", "*", "*", job, key, lane="*")):
        with suppress(ValidationError):  # its outcome says so
            return StepMessage.model_validate_json(stored.data)
    return None


async def _replayed(
    bus: Bus,
    job: JobName,
    journal: Journal,
    start: JobStart,
    body: bytes,
    key: str,
    patterns: Mapping[str, Pattern[Any, Any]],
    settings: Settings,
    earlier: Earlier,
) -> StepMessage | None:
    """The step's message; None where the run ends, or waits, without it. Raises what the pattern raises before."""
    request = parse_request(patterns, start.pattern, body)
    seen = _Seen(key)

    async def nothing(*_: Any) -> None: ...

    async def begun() -> set[str]:
        return {outcome.key for outcome in journal.outcomes()} | journal.waits()

    kept = settings.jobs_max_age_days
    work = Work(
        job=job,
        start=start,
        journal=journal,
        events=seen,
        dispatch=nothing,
        clock=bus.time.now,
        fan_out=settings.fan_out,
        max_steps=settings.max_steps,
        begun=begun,
        waits=Waits(journal, start=start, tell=seen.send, clock=bus.time.now, set_timer=nothing, kept_days=kept),
        inherited=earlier.outcomes,
        seed=earlier.seed,
        asked=seen.asked,
    )
    running = asyncio.ensure_future(ReplayRun(work, patterns[start.pattern], request.options).complete(request))
    waiting = asyncio.ensure_future(seen.quiet())
    try:
        async with asyncio.timeout(_PATIENCE):
            await asyncio.wait((running, waiting, seen.message), return_when=asyncio.FIRST_COMPLETED)
        if seen.message.done():
            return seen.message.result()
        if running.done() and not running.cancelled():
            running.result()
        return None
    finally:
        work.over = True
        await stop(running, waiting, seen.message)
