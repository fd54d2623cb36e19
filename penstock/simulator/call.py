"""Accounts of all calls: the newest ones, totals, and a way to wait for calls instead of sleeping."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Method = Literal["generateContent", "streamGenerateContent"]
CallStatus = Literal["running", "completed", "failed", "disconnected"]
_KEPT_CALLS = 20_000


class Wire(BaseModel):
    """camelCase in JSON, where snake_case is understood too."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Usage(Wire):
    """Tokens of one call, as Gemini counts them: the total has prompt, reply and thoughts."""

    prompt_token_count: int = 0
    candidates_token_count: int = 0
    thoughts_token_count: int = 0
    total_token_count: int = 0


class FunctionResult(Wire):
    """What the caller answered to an earlier function call."""

    name: str = ""
    response: dict[str, Any] = {}


class Call(Wire):
    """One generateContent or streamGenerateContent request. Times are seconds since the epoch."""

    id: int
    method: Method
    model: str
    step: str | None
    job: str | None
    key: str | None
    prompt: str
    schema_properties: list[str]
    tools: list[str]
    #: What came back with the conversation: tools' answers by name, and thought signatures, each in order.
    results: list[FunctionResult] = []
    signatures: list[str] = []
    status: CallStatus = "running"
    started_at: float = Field(default_factory=time.time)
    ended_at: float | None = None
    chunks: int = 0
    held: str | None = None
    usage: Usage | None = None


class Stats(Wire):
    """Totals since the start or the last reset. `running` counts what is under way right now."""

    calls: int = 0
    running: int = 0
    peak_running: int = 0
    completed: int = 0


class CallQuery(Wire, extra="forbid"):
    """Which calls are meant (None leaves all in); `count` and `timeout` are for waiting only."""

    job: str | None = None
    step: str | None = None
    status: CallStatus | None = None
    held: str | None = None
    min_chunks: int = Field(default=0, ge=0)
    count: int = Field(default=1, ge=0)
    timeout: float = Field(default=60.0, gt=0, le=600)

    def keeps(self, call: Call) -> bool:
        """The call is one of those meant."""
        return call.chunks >= self.min_chunks and agrees(self, call, "job", "step", "status", "held")


def agrees(wanted: BaseModel, call: Call, *names: str) -> bool:
    """Each of these members is not wanted, or wanted as the call has it."""
    return all(getattr(wanted, name) in (None, getattr(call, name)) for name in names)


class Ledger:
    """Keeps the newest calls; totals also count those it has dropped."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=_KEPT_CALLS)
        self._running: set[int] = set()
        self._changed = asyncio.Event()
        self.stats = Stats()
        self.last_id = 0

    def open(self, call: Call) -> None:
        """Books the start of a call, whose id is `last_id` + 1."""
        self.last_id = call.id
        self._calls.append(call)
        self._running.add(call.id)
        self.stats.calls += 1
        self.stats.running = len(self._running)
        self.stats.peak_running = max(self.stats.peak_running, self.stats.running)
        self.touch()

    def close(self, call: Call, status: Literal["completed", "failed", "disconnected"]) -> None:
        """Books the end of a call; of two ends the first counts."""
        if call.status != "running":
            return
        call.status, call.ended_at, call.held = status, time.time(), None
        if call.id in self._running:  # not forgotten by a reset meanwhile
            self._running.discard(call.id)
            self.stats.running = len(self._running)
            self.stats.completed += status == "completed"
        self.touch()

    def touch(self) -> None:
        """Wakes whoever waits for calls."""
        self._changed.set()
        self._changed = asyncio.Event()

    def calls(self, wanted: CallQuery) -> list[Call]:
        """Calls in the order they came."""
        return [call for call in self._calls if wanted.keeps(call)]

    async def wait(self, wanted: CallQuery) -> list[Call]:
        """Returns as soon as `count` calls match, or, with fewer, after `timeout` seconds."""
        try:
            async with asyncio.timeout(wanted.timeout):
                while len(found := self.calls(wanted)) < wanted.count:
                    await self._changed.wait()
        except TimeoutError:
            return self.calls(wanted)
        return found

    def reset(self) -> None:
        """Forgets all calls and totals; calls still running are no longer counted when they end."""
        self._calls.clear()
        self._running.clear()
        self.stats = Stats()
        self.touch()
