"""All that a simulator remembers between two clears: its rules, what is held, and accounts of all calls."""

import asyncio
import contextlib
import time
from collections import defaultdict, deque

from penstock.simulator.wire import Call, CallQuery, CallStatus, Rule, Stats

_KEPT_CALLS, _KEPT_PROMPT_CHARS = 20_000, 4_000


class Ledger:
    """To clear is to begin a new one: calls under way keep theirs, and are counted nowhere else."""

    def __init__(self) -> None:
        #: In the order in which they are tried.
        self.rules: list[Rule] = []
        #: What held replies wait for. A gate may be opened before anything is held, and stays open.
        self.gates: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.stats = Stats()
        self._calls: deque[Call] = deque(maxlen=_KEPT_CALLS)
        self._changed = asyncio.Event()

    def begin(self, call: Call) -> Rule:
        """Books the start of a call; the rule that decides it, one that changes nothing if there is none."""
        rule = next((rule for rule in self.rules if rule.takes(call)), Rule())
        if rule.reply.hold:
            self.gates[rule.reply.hold]  # there from now on, so that a clear opens it
        call.prompt = call.prompt[:_KEPT_PROMPT_CHARS]
        self._calls.append(call)
        self.stats.calls += 1
        self.stats.running += 1
        self.stats.peak_running = max(self.stats.peak_running, self.stats.running)
        self.touch()
        return rule

    def end(self, call: Call, status: CallStatus) -> None:
        """Books the end of a call; of two ends the first counts."""
        if call.status == "running":
            call.status, call.ended_at, call.held = status, time.time(), None
            self.stats.running -= 1
            self.stats.completed += status == "completed"
            self.touch()

    async def hold(self, call: Call, name: str) -> None:
        """Until the gate of that name is open, the call is listed as held."""
        call.held = name
        self.touch()
        await self.gates[name].wait()
        call.held = None

    def touch(self) -> None:
        """Wakes whoever waits for calls."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def calls(self, wanted: CallQuery) -> list[Call]:
        """Calls in the order they came, as soon as enough match, or fewer when the time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wanted.timeout):
                while len(found := [call for call in self._calls if wanted.covers(call)]) < wanted.count:
                    await self._changed.wait()
        return found
