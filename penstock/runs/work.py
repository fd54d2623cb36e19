"""What the runs of one job have in common: the job's pattern, and the patterns in it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel

from penstock import correlation
from penstock.contracts.events import Event, StepCompleted, StepFailedEvent
from penstock.contracts.journal import JobStart, Outcome
from penstock.contracts.step import Step, StepMessage
from penstock.contracts.wire import JobName
from penstock.errors import Failure
from penstock.mistakes import Place, mistake
from penstock.pattern import Pattern, T
from penstock.runs.keys import LONGEST, as_token

#: The code of a step that was given up with its sub-pattern or its map. No replay is answered by it: it waits, as the
#: run did that gave the step up.
ABANDONED = "abandoned"
#: The service of what an aggregator does itself.
AGGREGATOR = "aggregator"


class Facts(Protocol):
    """A job's journal (penstock.runs.journal)."""

    def outcome(self, key: str) -> Outcome | None: ...

    async def wait_for(self, key: str) -> None: ...

    async def write(self, key: str, fact: Outcome) -> Outcome: ...

    async def read(self) -> None: ...


class Log(Protocol):
    """A job's events (penstock.jetstream.event_log)."""

    def send(self, event: Event) -> None: ...

    async def flush(self) -> None: ...


class Waiter(Protocol):
    """What the runs of a job wait for beside their steps (penstock.runs.waiting)."""

    async def signal(self, key: str, name: str, body: type[T], timeout: float | None) -> T: ...

    async def sleep(self, key: str, seconds: float) -> None: ...


@dataclass(kw_only=True)
class Work:
    """One job, as this process works on it.

    `dispatch` has a step executed; asked again for the same key, it may do nothing. It raises Failure for a message
    that is too large. `clock`: Unix seconds. Without `waits` no run can wait for anything but its steps.
    """

    job: JobName
    start: JobStart
    journal: Facts
    events: Log
    dispatch: Callable[[Step[Any, Any], StepMessage], Awaitable[None]]
    clock: Callable[[], float]
    fan_out: int
    max_steps: int
    #: Has the keys of all steps of the job that were dispatched or finished.
    begun: Callable[[], Awaitable[Collection[str]]]
    waits: Waiter | None = None
    #: Called with the key of a step that has its outcome.
    settled: Callable[[str], None] = lambda key: None
    #: Whether the outcome under a key, which raised this when it was read, is for another process to read.
    is_for_another: Callable[[str, Exception], bool] = lambda key, error: False
    #: Called with each step that is asked for, before the journal is: also with those whose turn in a map never comes.
    asked: Callable[[StepMessage], None] = lambda message: None
    #: What earlier tries at the job have finished.
    inherited: Mapping[str, Outcome] = field(default_factory=dict)
    #: What chance goes by; by default the job's id and when it was accepted.
    seed: str = ""
    #: Whether nothing more is to be done and told: the job has ended, or this process lets it go.
    over: bool = field(default=False, init=False)
    #: The keys in use.
    keys: set[str] = field(default_factory=set, init=False)
    #: The steps that were asked for and have no outcome, by their whole keys: also those that were cancelled since.
    waiting: dict[str, StepMessage] = field(default_factory=dict, init=False)
    #: How many steps are waited for.
    at_work: int = field(default=0, init=False)
    slots: asyncio.Semaphore = field(init=False)
    #: How many steps there are of each fingerprint.
    _asked: Counter[str] = field(default_factory=Counter, init=False)
    _steps: int = field(default=0, init=False)
    _retracted: int = field(default=0, init=False)
    _stored: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.slots = asyncio.Semaphore(self.fan_out)
        self.seed = self.seed or f"{self.job} {self.start.accepted_at}"

    def tell(self, event: Event, *, retracts: bool = False) -> None:
        if not self.over:
            self.events.send(event)
            self._retracted += retracts

    def counted(self, key: str) -> str:
        """The key of a step. Raises Failure for one more than a job may have, those of its parts included."""
        self._steps += 1
        if self._steps > self.max_steps:
            detail = f"the job has {self.max_steps:,} steps, and may have no more: {key} is one"
            raise Failure("too_many_steps", detail)
        return key

    def asked_before(self, fingerprint: str) -> int:
        """How many steps have asked the same so far."""
        self._asked[fingerprint] += 1
        return self._asked[fingerprint] - 1

    def waiter(self, seconds: float | None, place: Place) -> Waiter:
        """What waits for `seconds`. Raises PatternMistake for what is no time, or where nothing can wait."""
        if seconds is not None and not 0 <= seconds < float("inf"):
            raise mistake(f"{seconds} is no time to wait: give a number of seconds", place)
        if self.waits is None:
            raise mistake("nothing here knows of signals and time", place)
        return self.waits

    async def ready_for_a_step(self) -> None:
        """Return once what was retracted is stored, as it must be before the next step's events."""
        if self._stored < (retracted := self._retracted):
            await self.events.flush()
            self._stored = max(self._stored, retracted)

    def tell_outcome(self, outcome: Outcome) -> None:
        key = outcome.key
        if outcome.failure is not None:
            self.tell(StepFailedEvent(id=f"failed:{key}", problem=outcome.failure, **dict(outcome)))
        else:
            self.tell(StepCompleted(id=f"completed:{key}", **dict(outcome)))

    async def not_asked_for(self) -> list[str]:
        """Keys of steps that were begun, and that the run has not asked for by now."""
        return sorted({*await self.begun()} - set(map(as_token, self.keys)))

    async def abandon(self, keys: Iterable[str]) -> None:
        """Have steps that are waited for end without an output: they show readers nothing more."""
        await asyncio.gather(*(self._abandon(self.waiting.pop(key)) for key in keys))

    async def _abandon(self, message: StepMessage) -> None:
        problem = Failure(ABANDONED, "a step beside it failed", step=message.key).problem()
        outcome = self.journal.outcome(message.key) or await self.journal.write(
            message.key,
            Outcome(
                step=message.step,
                key=message.key,
                attempt=1,
                fingerprint=message.fingerprint,
                n=0,
                service=AGGREGATOR,
                into=message.into,
                words_into=message.words_into,
                failure=correlation.stamped(problem, self.clock()),
            ),
        )
        self.tell_outcome(outcome)


def check_signal(pattern: Pattern[Any, Any], name: str, body: type[BaseModel], place: Place, whole: str) -> None:
    """Raises PatternMistake for a signal that nobody could give. `whole`: its name with the key of its part."""
    if len(whole) > LONGEST:
        what = f"the signal {name!r} would be given as {whole}, of more than {LONGEST} characters"
        raise mistake(f"{what}: give run.sub a shorter key", place)
    if pattern.signal(name) is not body:
        what = f"{pattern.name} does not name the signal {name!r} with a {body.__name__} in its signals"
        raise mistake(f"{what}: add it there, so that somebody can give it", place)
