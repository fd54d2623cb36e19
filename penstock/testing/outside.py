"""What a tested pattern waits for beside its steps: signals that the test gives, and time that passes at once."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from penstock.contracts.events import JobResumed, JobWaiting
from penstock.contracts.journal import Outcome
from penstock.contracts.waiting import wait_key
from penstock.errors import WaitTimedOut
from penstock.pattern import T
from penstock.testing.memory import Facts, Log
from penstock.testing.told import NotSaid, PatternTestFailed, unfit


class Outside:
    """The waits of one play (penstock.runs.work.Waiter). `given`: bodies of signals, by their names.

    A wait is a fact, with how it ended. Signals are there before they are waited for; the clock goes on where the
    pattern does nothing but wait, to the first wait that is over then.
    """

    def __init__(self, given: Mapping[str, Any], facts: Facts, log: Log, now: float) -> None:
        self._given, self._facts, self._log = given, facts, log
        #: Unix seconds.
        self.now = now
        #: By key, the waits that go on: the signal, if one is waited for, and when it is over without.
        self.open: dict[str, tuple[str | None, float | None]] = {}
        #: All that ever were, and the signal of each.
        self.asked: dict[str, str | None] = {}

    async def signal(self, key: str, name: str, body: type[T], timeout: float | None) -> T:
        over = await self._over(key, name, timeout, body.model_json_schema(by_alias=True))
        if over.value is None:
            raise WaitTimedOut(f"nobody gave the job the signal {name!r} in time", step=key)
        try:
            return body.model_validate(over.value["body"])
        except ValidationError as error:
            raise PatternTestFailed(f"what the signal {name!r} is given does not fit: {unfit(error)}") from error

    async def sleep(self, key: str, seconds: float) -> None:
        await self._over(key, None, seconds, None)

    def given(self) -> list[str]:
        """The open waits whose signal the test gives."""
        return [key for key, (signal, _) in self.open.items() if signal in self._given]

    async def end(self, key: str) -> None:
        """End an open wait by its signal, if that is given, or else by its time."""
        signal, until = self.open[key]
        value = None
        if signal is not None and signal in self._given:
            value = {"body": self._given[signal]}
        else:
            self.now = max(self.now, until or 0)
        await self._facts.write(key, Outcome(step="wait", key=key, attempt=1, fingerprint="", service="", value=value))

    async def end_first(self) -> None:
        """End the one that is over first. Raises NotSaid where a signal is waited for that never comes."""
        timed = {key: until for key, (_, until) in self.open.items() if until is not None}
        if not timed:
            key, (signal, _) = next(iter(self.open.items()))
            raise NotSaid(
                f"`{key}` waits for the signal {signal!r} without a timeout, and the test does not give it: "
                f"signals={{{signal!r}: …}}"
            )
        await self.end(min(timed, key=timed.__getitem__))

    async def _over(
        self, key: str, signal: str | None, seconds: float | None, schema: dict[str, Any] | None
    ) -> Outcome:
        fact = wait_key(key)
        self.asked[fact] = signal
        until = None if seconds is None else self.now + seconds
        shown = datetime.fromtimestamp(until or self.now, UTC)
        self._log.send(JobWaiting(id=f"waiting:{key}", key=key, signal=signal, body_schema=schema, until=shown))
        if (outcome := self._facts.outcome(fact)) is None:
            self.open[fact] = signal, until
            try:
                await self._facts.wait_for(fact)
            finally:
                del self.open[fact]
            outcome = self._facts.all[fact]
        timed_out = signal is not None and outcome.value is None
        self._log.send(JobResumed(id=f"resumed:{key}", key=key, signal=signal, timed_out=timed_out))
        return outcome
