"""A model call takes its turn, wherever in the fleet it is made."""

import asyncio
import collections
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from penstock.backoff import delay
from penstock.cancelling import stop
from penstock.contracts.prompt import Prompt
from penstock.contracts.turns import TextPiece, ToolCall
from penstock.contracts.usage import Usage
from penstock.errors import ModelUnavailable, RateLimited
from penstock.jetstream.bus import Bus
from penstock.jetstream.pull import lending
from penstock.llm.ask import Door
from penstock.llm.limits.pace import Pace
from penstock.llm.limits.pauses import Pauses
from penstock.llm.limits.permits import Permits
from penstock.llm.metrics import ModelMetrics
from penstock.llm.selector import Asked
from penstock.llm.usage import Meter
from penstock.settings.model_limits import ModelLimit, ModelLimits

#: Seconds that a call may take for its turn without being one that waits.
_AT_ONCE = 0.05
#: Seconds that it waits until readers are told.
_TOLD = 3.0
#: Characters of a prompt that make a token, roughly; tokens of a model's reply before there was any.
_CHARACTERS, _REPLY = 4, 1_000
#: How much of the expected length of a reply the last one is.
_NEWEST = 0.125
#: Seconds that what finds too many waiting waits in its queue: the first time, and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 15.0

Pieces = AsyncGenerator[TextPiece | ToolCall, None]


class Crowded(Exception):
    """So many calls wait here already that this one is to wait in its queue. Nothing has begun."""

    def pause(self, deliveries: int) -> float:
        """Seconds until it should come again."""
        return delay(deliveries, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class Caller:
    """An attempt at a step, which asks models. `deadline`: of its job, as Unix time.

    `begin` is called before its first call, once that has its turn; `tell` with the model's name, and how many wait for
    it here, where that takes seconds.
    """

    deadline: float
    begin: Callable[[], Awaitable[None]]
    tell: Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class _Limited:
    """A model with a limit."""

    permits: Permits | None
    pace: Pace | None


class Turns:
    """From `open` to `aclose`. Without a limit or a pause a call has its turn at once, and NATS is not asked."""

    def __init__(self, bus: Bus, limits: ModelLimits, *, ack_wait: float, metrics: ModelMetrics) -> None:
        self._bus, self._limits, self._ack_wait, self.metrics = bus, limits, ack_wait, metrics
        self._pauses = Pauses(bus)
        self._opening = asyncio.Lock()
        self._limited: dict[str, _Limited] = {}
        #: Calls that wait here, by model.
        self._waiting: collections.Counter[str] = collections.Counter()
        #: Tokens of a reply of each model: a moving average.
        self._replies: dict[str, float] = {}
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        await self._pauses.open()
        self._stack.push_async_callback(self._pauses.aclose)

    async def aclose(self) -> None:
        await self._stack.aclose()

    def in_use(self) -> dict[str, tuple[int, int]]:
        """Of each model that has a limit: the permits that this process has, and its calls that wait for their turn."""
        return {
            model: (limited.permits.lent if limited.permits else 0, self._waiting[model])
            for model, limited in self._limited.items()
        }

    def around(self, door: Door, caller: Caller) -> "Asking":
        """The same, whose calls take their turns."""
        return Asking(door, self, caller)

    @asynccontextmanager
    async def turn(self, model: str, prompt: Prompt, caller: Caller, *, begun: bool) -> AsyncIterator[Meter]:
        """Within it, the call is made; the meter is to be given to it.

        While it waits, the slot of the step that makes it is another's; where too many wait already, Crowded is raised
        if the step has not `begun`. Raises ModelUnavailable where the turn would come after the deadline,
        BusUnavailable where NATS is away.
        """
        limit = self._limits.get(model) or self._limits.get("*")
        meter = Meter()
        async with AsyncExitStack() as held:
            if limit is not None or self._pauses.of(model) is not None:
                asked_at = time.monotonic()
                taking = asyncio.create_task(self._take(held, model, limit, prompt, meter, caller.deadline))
                try:
                    if not self._waiting[model]:  # else it waits, too
                        await asyncio.wait((taking,), timeout=_AT_ONCE)
                    if not taking.done():
                        await self._wait(taking, model, caller, begun=begun)
                    taking.result()
                finally:
                    await stop(taking)
                self.metrics.waited(model, time.monotonic() - asked_at)
            began = self._bus.time.now()
            try:
                yield meter
            except RateLimited as error:
                await self._pauses.refused(model, began, error.retry_after)
                raise
            finally:
                self._learn(model, meter.usage)

    async def _wait(self, taking: asyncio.Task[None], model: str, caller: Caller, *, begun: bool) -> None:
        with lending(begun=begun) as lent:
            if not (lent or begun):
                raise Crowded
            self._waiting[model] += 1
            self.metrics.waiting(model, self._waiting[model])
            try:
                done, _ = await asyncio.wait((taking,), timeout=_TOLD)
                if not done:
                    if not begun:
                        caller.tell(model, self._waiting[model])
                    await asyncio.wait((taking,))
            finally:
                self._waiting[model] -= 1
                self.metrics.waiting(model, self._waiting[model])

    async def _take(
        self,
        held: AsyncExitStack,
        model: str,
        limit: ModelLimit | None,
        prompt: Prompt,
        meter: Meter,
        deadline: float,
    ) -> None:
        """What is taken is given back when `held` ends."""
        limited = await self._opened(model, limit) if limit is not None else _Limited(None, None)
        if limited.permits is not None:
            held.push_async_callback(limited.permits.give_back, await limited.permits.take())
        tokens, seen = self._expected(model, prompt) if limit and limit.tokens_per_minute else 0, None
        while True:
            seen = await self._pauses.over(model, seen=seen, until=deadline)
            if limited.pace is None:
                return
            place = await limited.pace.book(tokens)
            try:
                wait = place.second - self._bus.time.now()
                if place.second > deadline:
                    raise ModelUnavailable(f"{model} has no room for {wait:.0f} s", retry_after=wait)
                await asyncio.sleep(wait)
            except BaseException:
                limited.pace.give_back(place)
                raise
            if self._pauses.of(model) in (None, seen):
                held.callback(lambda pace, place: pace.correct(place, _tokens(meter.usage)), limited.pace, place)
                return
            limited.pace.give_back(place)

    async def _opened(self, model: str, limit: ModelLimit) -> _Limited:
        async with self._opening:
            if model not in self._limited:
                permits, pace = None, None
                if limit.concurrent is not None:
                    permits = Permits(self._bus, model, limit.concurrent, ack_wait=self._ack_wait)
                    await permits.open()
                    self._stack.push_async_callback(permits.aclose)
                calls, tokens = limit.requests_per_minute, limit.tokens_per_minute
                if calls is not None or tokens is not None:
                    pace = Pace(self._bus, model, calls=calls, tokens=tokens)
                    self._stack.push_async_callback(pace.aclose)
                self._limited[model] = _Limited(permits, pace)
        return self._limited[model]

    def _expected(self, model: str, prompt: Prompt) -> int:
        """Tokens of a call."""
        asked = len(prompt.system) + sum(len(turn.model_dump_json()) for turn in prompt.turns)
        return round(asked / _CHARACTERS + self._replies.get(model, _REPLY))

    def _learn(self, model: str, usage: Usage) -> None:
        if usage.calls:
            before, newest = self._replies.get(model, _REPLY), usage.output_tokens + usage.thinking_tokens
            self._replies[model] = before + _NEWEST * (newest - before)


class Asking:
    """What `Turns.around` gives."""

    def __init__(self, door: Door, turns: Turns, caller: Caller) -> None:
        self._door, self._turns, self._caller = door, turns, caller
        self._begun = False
        self.identity = door.identity

    async def stream(self, prompt: Prompt, *, asked: Asked, meter: Meter, **how: Any) -> Pieces:
        """As that of Llm does. Raises Crowded as well, before anything else."""
        async with self._turns.turn(asked.model, prompt, self._caller, begun=self._begun) as own:
            if not self._begun:
                await self._caller.begin()
                self._begun = True
            try:
                with self._turns.metrics.call(asked.model) as call:
                    async with aclosing(self._door.stream(prompt, asked=asked, meter=own, **how)) as pieces:
                        async for piece in pieces:
                            call.piece()
                            yield piece
            finally:
                meter.include(own)


def _tokens(usage: Usage) -> int:
    return usage.prompt_tokens + usage.output_tokens + usage.thinking_tokens
