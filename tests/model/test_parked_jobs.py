"""Parking, signals, timers and takeovers in any order that hypothesis finds, over Penstock's own code.

A job that waits for a signal, for another one no longer than a timer, and for a time; two aggregators that may be
given any message at any turn, and cut off or killed between any two of their requests to NATS. When the machine has had
its turns, all that the job waits for comes, and all goes on undisturbed to the job's end: if one wake-up were lost, it
would not come.
"""

import asyncio
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from penstock import Pattern, PatternRequest, Run, WaitTimedOut, Wire
from penstock.contracts.journal import END, JobEnd
from penstock.contracts.waiting import Shift, shift_key, signal_key, timer_key
from penstock.errors import Refused
from penstock.jetstream import subjects
from penstock.jobs import cancel, signal
from penstock.runs.handler import JobHandler
from penstock.settings import Settings
from tests.model import machine
from tests.model.jetstream import Connection, Entry, Server
from tests.model.machine import Machine, picks
from tests.model.system import JOB, Caller
from tests.model.turns import after_some_turns, turn
from tests.support.naming import named

_PATIENCE = 6000
_MOST_DELIVERIES = 6
_QUEUES = (subjects.JOBS, subjects.JOURNAL, subjects.TIMERS)
_SIGNALS = ("first", "second")
_IDLE = 1.5


class Said(Wire):
    text: str


class Heard(Wire):
    first: str
    second: str | None


async def waiting(run: Run, request: PatternRequest) -> Heard:
    first = await run.wait("first", Said)
    try:
        second: str | None = (await run.wait("second", Said, timeout=60)).text
    except WaitTimedOut:
        second = None
    await run.sleep(60)
    return Heard(first=first.text, second=second)


PATTERN: Pattern[Any, Any] = Pattern(
    name="waiting",
    summary="",
    run=waiting,
    request=PatternRequest,
    result=Heard,
    steps=(),
    signals=dict.fromkeys(_SIGNALS, Said),
    example=PatternRequest(),
)
PATTERNS = {PATTERN.name: PATTERN}


class Aggregator(Caller):
    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self._server = server
        self._handler = JobHandler(bus=self.bus, patterns=PATTERNS, settings=Settings(max_deliveries=50))
        self._tasks: dict[tuple[str, int], asyncio.Task[None]] = {}

    def holds(self, entry: Entry) -> bool:
        task = self._tasks.get((entry.stream, entry.sequence))
        return task is not None and not task.done()

    def receive(self, entry: Entry) -> None:
        message = self._server.deliver(entry, self.connection)
        handle = self._handler.handle if entry.stream == subjects.JOBS else self._handler.wake
        self._tasks[entry.stream, entry.sequence] = asyncio.ensure_future(handle(message))

    def kill(self) -> list[asyncio.Task[None]]:
        self.connection.close()
        for task in self._tasks.values():
            task.cancel()
        return [*self._tasks.values()]


class ParkedJobs(Machine):
    def __init__(self) -> None:
        super().__init__()
        self.given: set[str] = set()
        self.server.store(subjects.job(PATTERN.name, named(JOB)), b"{}")
        self._begin()

    @turn
    def _begin(self) -> None:
        self.aggregators = [Aggregator(self.server) for _ in range(2)]
        self.caller = Caller(self.server)

    @rule(turns=st.integers(1, 12))
    def all_go_on(self, turns: int) -> None:
        for _ in range(turns):
            self._go_on()

    @rule()
    def a_run_that_only_waits_has_done_so_for_long(self) -> None:
        self.loop.settle(_IDLE)

    @rule(pick=picks, to=picks, stream=st.sampled_from(_QUEUES))
    @turn
    def a_message_is_delivered_perhaps_again(self, pick: int, to: int, stream: str) -> None:
        queued = [one for one in self.server.queued(stream) if self.server.deliveries(one) < _MOST_DELIVERIES]
        if queued:
            entry = queued[pick % len(queued)]
            if takers := [one for one in self.aggregators if not one.holds(entry)]:
                takers[to % len(takers)].receive(entry)

    @precondition(lambda self: len(self.given) < len(_SIGNALS))
    @rule(name=st.sampled_from(_SIGNALS), turns=st.integers(0, 12))
    @after_some_turns
    @turn
    def somebody_gives_a_signal(self, name: str) -> None:
        self._give(name)

    @rule(pick=picks, turns=st.integers(0, 12))
    @after_some_turns
    @turn
    def a_time_has_come(self, pick: int) -> None:
        if scheduled := self._scheduled():
            self.server.is_time(scheduled[pick % len(scheduled)])

    @rule(by=st.sampled_from([0, 1, 3]))
    def a_replica_falls_behind(self, by: int) -> None:
        self.server.behind = by

    @precondition(lambda self: not self.cancelled)
    @rule(turns=st.integers(0, 12), really=st.sampled_from([True, False, False, False]))
    @after_some_turns
    @turn
    def a_caller_cancels(self, really: bool) -> None:
        if really:
            self.cancelled = True
            self.others.append(asyncio.ensure_future(cancel(self.caller.bus, named(JOB))))

    @rule(pick=picks, turns=st.integers(0, 12))
    @after_some_turns
    @turn
    def a_connection_is_cut(self, pick: int) -> None:
        everybody = [*self.aggregators, self.caller]
        self.others.append(everybody[pick % len(everybody)].reconnect())

    @rule(pick=picks, turns=st.integers(0, 12))
    @after_some_turns
    @turn
    def an_aggregator_is_killed(self, pick: int) -> None:
        place = pick % len(self.aggregators)
        killed = self.aggregators[place]
        self.others += killed.kill()
        self.ghosts.append(killed.connection)
        self.aggregators[place] = Aggregator(self.server)

    def teardown(self) -> None:
        try:
            self.server.behind = 0
            for name in _SIGNALS:
                turn(self._give)(name)
            for _ in range(_PATIENCE):
                if self._is_over():
                    break
                self._go_on(again=True)
                if not any(one.sent or one.arriving for one in self._connections()):
                    for entry in self._scheduled():
                        turn(self.server.is_time)(entry)
                    self.loop.settle(_IDLE)
            assert self._is_over(), "the job does not end"
            self._check()
        finally:
            self.loop.run_until_complete(self._close())
            self.loop.close()
            asyncio.set_event_loop(None)

    def _check(self) -> None:
        facts = {subjects.key_of(one.subject): one for one in self.server.entries(subjects.JOURNAL)}
        end = JobEnd.model_validate_json(facts[END].data)
        assert end.status == "completed" or (self.cancelled and end.status == "cancelled"), end.problem
        if end.result is not None:
            said, fired = facts.get(signal_key("second")), facts.get(timer_key("second-1"))
            first = said is not None and (fired is None or said.sequence < fired.sequence)
            assert end.result == {"first": "first", "second": "second" if first else None}
        number = 0
        while (shift := facts.get(shift_key(number))) is not None:
            assert (Shift.model_validate_json(shift.data).by is None) == (number % 2 == 0)
            number += 1

    def _scheduled(self) -> list[Entry]:
        """Without the end of the job's record, up to which it waits for the first signal."""
        return [one for one in self.server.scheduled() if not one.subject.endswith(".first-1")]

    def _give(self, name: str) -> None:
        async def give() -> None:
            try:
                await signal(self.caller.bus, PATTERNS, named(JOB), name, b'{"text": "%s"}' % name.encode())
            except Refused as refused:
                if refused.code != "job_ended":
                    raise

        self.given.add(name)
        self.others.append(asyncio.ensure_future(give()))

    def _is_over(self) -> bool:
        ended = self.server.fact(subjects.journal(named(JOB), END)) is not None
        return ended and not any(self.server.queued(stream) for stream in _QUEUES)

    @turn
    def _go_on(self, *, again: bool = False) -> None:
        self._exchange()
        for stream in _QUEUES:
            for entry in self.server.queued(stream):
                held = any(one.holds(entry) for one in self.aggregators)
                if not self.server.deliveries(entry) or (again and not held):
                    self.aggregators[0].receive(entry)

    def _connections(self) -> list[Connection]:
        return [one.connection for one in (*self.aggregators, self.caller)]

    async def _close(self) -> None:
        tasks = [task for one in self.aggregators for task in one.kill()]
        self.caller.connection.close()
        await self._stop(*tasks)


def test_no_order_of_events_strands_a_parked_job() -> None:
    machine.run(ParkedJobs)
