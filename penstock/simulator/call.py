"""Accounts of all calls: a bounded list, totals, and a way to wait for calls instead of sleeping."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Method = Literal["generateContent", "streamGenerateContent"]
CallStatus = Literal["running", "completed", "failed", "disconnected"]


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Usage(_Wire):
    """Tokens of one call, as Gemini counts them: the total has prompt, reply and thoughts."""

    prompt_token_count: int = 0
    candidates_token_count: int = 0
    thoughts_token_count: int = 0
    total_token_count: int = 0


class FunctionResult(_Wire):
    """What the caller answered to an earlier function call."""

    name: str = ""
    response: dict[str, Any] = {}


class Call(_Wire):
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
    finish_reason: str | None = None
    http_status: int = 200


class Stats(_Wire):
    """Totals since the start or the last reset. `running` counts what is under way right now."""

    calls: int = 0
    by_step: dict[str, int] = {}
    by_model: dict[str, int] = {}
    tokens: Usage = Usage()
    running: int = 0
    peak_running: int = 0
    completed: int = 0
    failed: int = 0
    disconnected: int = 0


class CallQuery(_Wire):
    """Which calls are meant (None leaves all in); `count` and `timeout` are for waiting only."""

    model_config = ConfigDict(extra="forbid")

    job: str | None = None
    step: str | None = None
    status: CallStatus | None = None
    held: str | None = None
    min_chunks: int = Field(default=0, ge=0)
    count: int = Field(default=1, ge=0)
    timeout: float = Field(default=60.0, gt=0, le=600)

    def keeps(self, call: Call) -> bool:
        """The call is one of those meant."""
        wanted = ((name, getattr(self, name)) for name in ("job", "step", "status", "held"))
        return call.chunks >= self.min_chunks and all(one in (None, getattr(call, name)) for name, one in wanted)


class Ledger:
    """Keeps the newest calls; totals also count those it has dropped."""

    def __init__(self, kept_calls: int) -> None:
        self._calls: deque[Call] = deque(maxlen=kept_calls)
        self._running: set[int] = set()
        self._stats = Stats()
        self._tokens: Counter[str] = Counter()
        self._changed = asyncio.Event()
        self.last_id = 0

    def open(self, call: Call) -> None:
        """Books the start of a call, whose id is `last_id` + 1."""
        self.last_id = call.id
        self._calls.append(call)
        self._running.add(call.id)
        stats = self._stats
        stats.calls += 1
        stats.by_step[call.step or ""] = stats.by_step.get(call.step or "", 0) + 1
        stats.by_model[call.model] = stats.by_model.get(call.model, 0) + 1
        stats.peak_running = max(stats.peak_running, len(self._running))
        self.touch()

    def close(self, call: Call, status: Literal["completed", "failed", "disconnected"]) -> None:
        """Books the end of a call; of two ends the first counts."""
        if call.status != "running":
            return
        call.status, call.ended_at, call.held = status, time.time(), None
        if call.id in self._running:  # not forgotten by a reset meanwhile
            self._running.discard(call.id)
            setattr(self._stats, status, getattr(self._stats, status) + 1)
            self._tokens.update(call.usage.model_dump() if call.usage else {})
        self.touch()

    def touch(self) -> None:
        """Wakes whoever waits for calls."""
        self._changed.set()
        self._changed = asyncio.Event()

    def calls(self, wanted: CallQuery) -> list[Call]:
        """Calls in the order they came."""
        return [call for call in self._calls if wanted.keeps(call)]

    async def wait(self, wanted: CallQuery) -> tuple[bool, list[Call]]:
        """Returns as soon as `count` calls match, or, with False, after `timeout` seconds."""
        try:
            async with asyncio.timeout(wanted.timeout):
                while len(found := self.calls(wanted)) < wanted.count:
                    await self._changed.wait()
        except TimeoutError:
            return False, self.calls(wanted)
        return True, found

    def stats(self) -> Stats:
        """The totals."""
        return self._stats.model_copy(update={"running": len(self._running), "tokens": Usage(**self._tokens)})

    def reset(self) -> None:
        """Forgets all calls and totals; calls still running are no longer counted when they end."""
        self._calls.clear()
        self._running.clear()
        self._tokens.clear()
        self._stats = Stats()
        self.touch()
