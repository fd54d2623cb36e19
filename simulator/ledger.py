"""Accounts of all calls: a bounded list, totals, and a way to wait for calls instead of sleeping."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from simulator.call import Call, CallStatus, Stats, Usage
from simulator.config import Config
from simulator.prompt import Prompt
from simulator.schema import property_names

Ending = Literal["completed", "failed", "disconnected"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Who calls: the `x-penstock-*` headers of a request."""

    step: str | None
    job: str | None
    key: str | None


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls are meant; a member that is None leaves all in."""

    job: str | None = None
    step: str | None = None
    status: CallStatus | None = None
    held: str | None = None
    min_chunks: int = 0

    def keeps(self, call: Call) -> bool:
        """The call is one of those meant."""
        return (
            (self.job is None or call.job == self.job)
            and (self.step is None or call.step == self.step)
            and (self.status is None or call.status == self.status)
            and (self.held is None or call.held == self.held)
            and call.chunks >= self.min_chunks
        )


class Ledger:
    """Keeps the newest `kept_calls` calls; totals also count those it has dropped."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._calls: deque[Call] = deque(maxlen=config.kept_calls)
        self._watchers: set[asyncio.Event] = set()
        self._running: set[int] = set()
        self._last = 0
        self._peak = 0
        self._start_totals()

    def open(self, method: Literal["generateContent", "streamGenerateContent"], prompt: Prompt, origin: Origin) -> Call:
        """Books the start of a call."""
        self._last += 1
        call = Call(
            id=self._last,
            method=method,
            model=prompt.model,
            step=origin.step,
            job=origin.job,
            key=origin.key,
            prompt=prompt.whole[: self._config.kept_prompt_chars].encode("utf-8", "replace").decode(),
            schema_properties=property_names(prompt.schema),
            tools=[function.name for function in prompt.functions],
            results=list(prompt.results),
            signatures=list(prompt.signatures),
            started_at=time.time(),
        )
        self._calls.append(call)
        self._count += 1
        self._by_step[call.step or ""] += 1
        self._by_model[call.model] += 1
        self._running.add(call.id)
        self._peak = max(self._peak, len(self._running))
        self.touch()
        return call

    def close(self, call: Call, status: Ending) -> None:
        """Books the end of a call; of two ends the first counts."""
        if call.status != "running":
            return
        call.status = status
        call.ended_at = time.time()
        call.held = None
        if call.id in self._running:
            self._running.discard(call.id)
            self._ended[status] += 1
            if call.usage is not None:
                for name in Usage.model_fields:
                    self._tokens[name] += getattr(call.usage, name)
        self.touch()

    def touch(self) -> None:
        """Wakes whoever waits for calls."""
        for watcher in self._watchers:
            watcher.set()

    def calls(self, wanted: CallFilter) -> list[Call]:
        """Calls in the order they came."""
        return [call for call in self._calls if wanted.keeps(call)]

    async def wait(self, wanted: CallFilter, count: int, timeout: float) -> tuple[bool, list[Call]]:
        """Returns as soon as so many calls match, or, with False, after `timeout` seconds."""
        with self._watching() as changed:
            try:
                async with asyncio.timeout(timeout):
                    while len(found := self.calls(wanted)) < count:
                        changed.clear()
                        await changed.wait()
            except TimeoutError:
                return False, self.calls(wanted)
        return True, found

    def stats(self) -> Stats:
        """The totals."""
        return Stats(
            calls=self._count,
            by_step=dict(self._by_step),
            by_model=dict(self._by_model),
            tokens=Usage(**self._tokens),
            running=len(self._running),
            peak_running=self._peak,
            completed=self._ended["completed"],
            failed=self._ended["failed"],
            disconnected=self._ended["disconnected"],
        )

    def reset(self) -> None:
        """Forgets all calls and totals; calls still running are no longer counted when they end."""
        self._calls.clear()
        self._running.clear()
        self._start_totals()
        self.touch()

    def _start_totals(self) -> None:
        self._count = 0
        self._peak = 0
        self._by_step: Counter[str] = Counter()
        self._by_model: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()
        self._ended: Counter[Ending] = Counter()

    @contextmanager
    def _watching(self) -> Iterator[asyncio.Event]:
        changed = asyncio.Event()
        self._watchers.add(changed)
        try:
            yield changed
        finally:
            self._watchers.discard(changed)
