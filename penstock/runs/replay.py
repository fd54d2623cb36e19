"""The machinery behind `Run`: every step is looked up in the journal before it is dispatched."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Coroutine
from typing import Any

from pydantic import BaseModel, JsonValue
from pydantic_core import to_json, to_jsonable_python

from penstock.cancelling import stop
from penstock.contracts import events
from penstock.contracts.journal import RESERVED_KEYS, JobStart, Outcome
from penstock.contracts.options import Options
from penstock.contracts.step import Complexity, In, Out, Step, StepMessage
from penstock.contracts.wire import is_token
from penstock.errors import Failure, StepFailed
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.event_log import EventLog
from penstock.pattern import Pattern, Run, T
from penstock.runs.journal import Journal
from penstock.runs.result import StreamedResult
from penstock.runs.waiting import Waits, check_seconds, check_signal
from penstock.settings import Settings

#: Seconds after which a wait looks at the journal again and dispatches again: a lost wake-up or a
#: message deleted by hand costs this much and no more. Dispatching twice is refused by the stream.
_LOOK_AGAIN = 15.0


class ReplayRun(Run):
    """One run of one job in this process."""

    def __init__(
        self,
        *,
        bus: Bus,
        journal: Journal,
        events: EventLog,
        job: str,
        start: JobStart,
        options: Options,
        pattern: Pattern[Any, Any],
        settings: Settings,
    ) -> None:
        self.job, self.fan_out = job, settings.fan_out
        self.result = StreamedResult()
        self._bus, self._journal, self._events = bus, journal, events
        self._start, self._options, self._pattern = start, options, pattern
        kept = settings.jobs_max_age_days
        self.waits = Waits(bus, job, journal, start=start, tell=self._publish, kept_days=kept)
        self._calls: Counter[str] = Counter()
        self._keys: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._working = 0
        self._retracted = 0
        self._stored = 0  # so many of these are, as they must be before the next step's events
        self._over = False

    def step(
        self,
        step: Step[In, Out],
        input: In,
        *,
        into: str | None = None,
        key: str | None = None,
        complexity: Complexity | None = None,
    ) -> Awaitable[Out]:
        key = self._key(step.name, key)
        as_json = to_jsonable_python(input)
        content = json.dumps([step.name, as_json], sort_keys=True, separators=(",", ":"))
        message = StepMessage(
            pattern=self._start.pattern,
            job=self.job,
            step=step.name,
            key=key,
            input=as_json,
            fingerprint=hashlib.sha256(content.encode()).hexdigest()[:32],
            into=into,
            complexity=complexity or step.complexity,
            priority=self._options.priority,
            deadline=self._start.deadline,
        )
        return self._begin(self._output_of(step, message))

    def wait(self, signal: str, body: type[T], *, timeout: float | None = None, key: str | None = None) -> Awaitable[T]:
        check_signal(self._pattern, signal, body)
        check_seconds(timeout)
        return self._begin(self.waits.signal(self._key(signal, key), signal, body, timeout))

    def put(self, path: str, value: JsonValue | BaseModel) -> None:
        self._check_open()
        as_json = to_jsonable_python(value)
        self.result.place(path, as_json)
        self.stream_value(path, as_json)

    def stream_value(self, path: str, value: Any) -> None:
        """Publish a value that is already part of the result."""
        self._publish(events.PartValue(id=f"value:{self._retracted}:{path}", p=path, t=to_json(value).decode()))

    def close(self, path: str) -> None:
        self._check_open()
        self._publish(events.PartClose(id=f"close:{self._retracted}:{path}", p=path))

    def retract(self, path: str) -> None:
        self._check_open()
        self._retracted += 1
        self.result.remove(path)
        self._publish(events.PartRetract(id=f"retract:{self._retracted}", p=path))

    @property
    def is_working(self) -> bool:
        """Whether a step of it has no outcome yet."""
        return self._working > 0

    async def end(self) -> None:
        """Refuse from now on what the pattern still tries, and end what is still waiting."""
        self._over = True
        await stop(*self._tasks)

    def sleep(self, seconds: float, *, key: str | None = None) -> Awaitable[None]:
        check_seconds(seconds)
        return self._begin(self.waits.sleep(self._key("sleep", key), seconds))

    def _key(self, name: str, key: str | None) -> str:
        """The key of a step or wait: the one that is given, or the next of its name."""
        self._check_open()
        self._calls[name] += 1
        key = key or f"{name}-{self._calls[name]}"
        if not is_token(key) or key in RESERVED_KEYS:
            raise ValueError(f"key {key!r} is no token, or reserved")
        if key in self._keys:
            raise ValueError(f"key {key!r} is in use")
        self._keys.add(key)
        return key

    def _begin(self, branch: Coroutine[Any, Any, Any]) -> Awaitable[Any]:
        task = asyncio.get_running_loop().create_task(branch)
        self._tasks.add(task)
        # nobody may await a branch that the pattern gave up on: its exception counts as retrieved
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def _output_of(self, step: Step[In, Out], message: StepMessage) -> Out:
        subject = subjects.step(step.service, message.pattern, step.name, self.job, message.key)
        self._working += 1
        try:
            outcome = await self._outcome_of(subject, message)
        finally:
            self._working -= 1
        return self._accept(step, message, outcome)

    async def _outcome_of(self, subject: str, message: StepMessage) -> Outcome:
        outcome = self._journal.outcome(message.key)
        while outcome is None:
            if self._stored < (retracted := self._retracted):
                await self._events.flush()
                self._stored = max(self._stored, retracted)
            try:
                await self._bus.once(subject, message.model_dump_json().encode())
            except Failure as too_large:
                raise Failure("input_too_large", too_large.detail, step=message.key) from too_large
            try:
                async with asyncio.timeout(_LOOK_AGAIN):
                    await self._journal.wait_for(message.key)
            except TimeoutError:
                await self._journal.read()
            outcome = self._journal.outcome(message.key)
        return outcome

    def _accept(self, step: Step[In, Out], message: StepMessage, outcome: Outcome) -> Out:
        # a message that could not be read has an outcome without a fingerprint
        if outcome.step != step.name or outcome.fingerprint not in ("", message.fingerprint):
            raise Failure(
                "replay_mismatch",
                f"the journal of {self.job} has {outcome.step} under {message.key!r} with another input than the "
                f"pattern now gives {step.name}: it was changed while the job ran, or is not deterministic",
            )
        if outcome.failure is not None:
            self._publish(events.StepFailedEvent(id=f"failed:{message.key}", problem=outcome.failure, **dict(outcome)))
            raise StepFailed(outcome.failure)
        if message.into is not None:
            self.result.place(message.into, outcome.value)
        self._publish(events.StepCompleted(id=f"completed:{message.key}", **dict(outcome)))
        output: Any = step.output
        return outcome.value if output is str else output.model_validate(outcome.value)  # type: ignore[no-any-return]

    def _publish(self, event: events.Event) -> None:
        if not self._over:
            self._events.send(event)

    def _check_open(self) -> None:
        if self._over:
            raise RuntimeError(f"the run of {self.job} is over: a pattern awaits whatever it starts")
