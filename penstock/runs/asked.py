"""What a step was asked, once its message is gone: the job is replayed from its journal until it asks for the step.

Nothing is dispatched, written or told, and what the journal does not have never comes. A replay has a thread of its
own: a pattern may compute for as long as it likes, and its caller has other work.
"""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

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

R = TypeVar("R")

#: Seconds that a replay may take.
_PATIENCE = 2.0
#: Seconds after which a replay is left to itself that has not ended, or has not had its turn.
_THREAD_PATIENCE = 2 * _PATIENCE
#: Replays at once, in a process; those that were left to themselves count until they end.
_AT_ONCE = threading.BoundedSemaphore(2)
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

    It takes as long as to read the job's facts, and at most four seconds for its pattern and to wait for the replays of
    others.
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
        replay = partial(_replayed, bus, job, journal, start, body, key, patterns, settings, earlier)
        message, ended = await _in_a_thread(partial(replay, ended=outcome is not None))
    except TimeoutError:
        return Asked(outcome, why="A replay of the job takes too long, or those of other jobs do.") if outcome else None
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
    if message is None and ended:
        return Asked(outcome, why="By its code of today the pattern does not ask for this step.", changed=True)
    if message is None:
        return Asked(outcome, why=f"In {_PATIENCE:g} s a replay of the job did not come to this step.")
    if outcome.fingerprint and (outcome.step, outcome.fingerprint) != (message.step, message.fingerprint):
        why = "By its code of today the pattern gives this step another input than it had."
        return Asked(outcome, why=why, changed=True)
    return Asked(outcome, message)


async def _queued(bus: Bus, job: JobName, key: str) -> StepMessage | None:
    """The step's message, while it is kept."""
    async for stored in bus.history(subjects.step("*", "*", "*", job, key, lane="*")):
        with suppress(ValidationError):  # its outcome says so
            return StepMessage.model_validate_json(stored.data)
    return None


async def _in_a_thread(make: Callable[[], Coroutine[Any, Any, R]]) -> R:
    """What comes of the coroutine that `make` makes, which needs nothing of this loop. Raises TimeoutError."""
    made = concurrent.futures.Future[R]()

    def run() -> None:
        if not _AT_ONCE.acquire(timeout=_PATIENCE):
            return  # who asked has been told that it takes too long
        try:
            if made.set_running_or_notify_cancel():
                made.set_result(asyncio.run(make()))
        except Exception as error:
            made.set_exception(error)
        except BaseException as error:  # a pattern that ends its process ends its replay
            made.set_exception(RuntimeError(repr(error)))
        finally:
            _AT_ONCE.release()

    # no end of the process waits for it
    threading.Thread(target=run, name="replay", daemon=True).start()
    async with asyncio.timeout(_THREAD_PATIENCE):
        return await asyncio.wrap_future(made)


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
    *,
    ended: bool,
) -> tuple[StepMessage | None, bool]:
    """The step's message, if the run comes to it, and whether it has ended. Raises what the pattern raises before.

    A step that has not `ended` is not waited for: the run may be about to ask for it, or never.
    """
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
    enough = (running, seen.message) if ended else (running, seen.message, waiting)
    try:
        await asyncio.wait(enough, timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if seen.message.done():
            return seen.message.result(), True
        if running.done() and not running.cancelled():
            running.result()
        return None, running.done()
    finally:
        work.over = True
        await stop(running, waiting, seen.message)
