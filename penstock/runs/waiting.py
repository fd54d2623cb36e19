"""What a run waits for beside its steps: signals from outside, and time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json

from penstock.contracts.events import Event, JobResumed, JobWaiting
from penstock.contracts.journal import JobStart
from penstock.contracts.waiting import LONGEST_WAIT, Signal, Waiting, signal_key, wait_key
from penstock.errors import Failure, WaitTimedOut
from penstock.pattern import T
from penstock.runs.journal import Journal

_DAY = 86_400.0
#: Seconds for which a run only waits before it is parked, and how often it is looked at in these.
_IDLE, _LOOKS = 1.0, 5


class Waits:
    """The waits of one run of a job.

    A wait is a fact, with the time at which it ends; what ends it is the first fact of two, its signal and its timer:
    the same in every replay. `tell` publishes an event; `clock`: Unix seconds; `set_timer` has the wait of a key end at
    a time; a job is kept for `kept_days`.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        start: JobStart,
        tell: Callable[[Event], None],
        clock: Callable[[], float],
        set_timer: Callable[[str, datetime], Awaitable[None]],
        kept_days: float,
    ) -> None:
        self._journal, self._tell, self._clock, self._set_timer = journal, tell, clock, set_timer
        #: The waits that go on; how many are over.
        self.open: dict[str, Waiting] = {}
        self._ended = 0
        self._begun = asyncio.Event()
        self._kept_until = start.accepted_at + kept_days * _DAY * LONGEST_WAIT

    async def sleep(self, key: str, seconds: float) -> None:
        await self._over(key, seconds)

    async def signal(self, key: str, name: str, body: type[T], timeout: float | None) -> T:
        """What was said. Raises WaitTimedOut."""
        over = await self._over(key, timeout, signal=name, body_schema=body.model_json_schema(by_alias=True))
        if over != signal_key(name):
            raise WaitTimedOut(f"nobody gave the job the signal {name!r} in time", step=key)
        said = self._journal.fact(over, Signal)
        assert said is not None
        try:
            return body.model_validate_json(to_json(said.body))
        except ValidationError as error:
            detail = f"the signal {name!r} does not fit {body.__name__}: {error.errors()[0]['msg']}"
            raise Failure("replay_mismatch", detail, step=key) from error

    async def idle(self, is_working: Callable[[], bool]) -> list[Waiting]:
        """What the run waits for, once it has done nothing else for a second."""
        await self._begun.wait()
        looked = ended = 0
        while looked < _LOOKS:
            await asyncio.sleep(_IDLE / _LOOKS)
            looked = looked + 1 if self.open and ended == self._ended and not is_working() else 0
            ended = self._ended
        return list(self.open.values())

    async def _over(self, key: str, seconds: float | None, **about: Any) -> str:
        """Have the wait begun, and return the fact that ended it."""
        waiting = self._journal.fact(wait_key(key), Waiting)
        if waiting is None:
            until = self._kept_until if seconds is None else self._clock() + seconds
            if until > self._kept_until:
                latest = datetime.fromtimestamp(self._kept_until, UTC)
                raise Failure(
                    "wait_too_long", f"{key} is to last {seconds:g} s; the job is kept until {latest}", step=key
                )
            waiting = Waiting(key=key, until=datetime.fromtimestamp(until, UTC), **about)
            waiting = await self._journal.write(wait_key(key), waiting)
        if waiting.signal != about.get("signal"):
            raise Failure("replay_mismatch", f"the journal has a wait for {waiting.signal} under {key!r}", step=key)
        self._tell(JobWaiting(id=f"waiting:{key}", **dict(waiting)))
        if not self._journal.has(*waiting.ends):
            await self._set_timer(key, waiting.until)
        self.open[key] = waiting
        self._begun.set()
        try:
            over = await self._journal.first(*waiting.ends)
        finally:
            del self.open[key]
            self._ended += 1
        timed_out = waiting.signal is not None and over != signal_key(waiting.signal)
        self._tell(JobResumed(id=f"resumed:{key}", key=key, signal=waiting.signal, timed_out=timed_out))
        return over
