"""Claims, outcomes, ends and takeovers in any order that hypothesis finds, over Penstock's own code.

A job of three steps, two aggregators, two workers, a reader. The machine decides which connection's next request
NATS handles and whose next answer arrives, whom a message is delivered to (again), what the model says, and who is cut
off, killed, or forgets. When it has had its turns, all goes on undisturbed to the job's end.
"""

import asyncio
import json

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from penstock.contracts.events import TERMINAL, JobCompleted
from penstock.contracts.journal import END, JobEnd, Outcome, Wasted, is_step, wasted_key
from penstock.contracts.usage import Usage
from penstock.jetstream import subjects
from penstock.jobs import cancel
from penstock.jobs.ending import end_event
from tests.model import machine
from tests.model.jetstream import Connection, Entry
from tests.model.machine import Machine, picks
from tests.model.system import JOB, PATTERN, Caller, FollowingReader, Model, Process
from tests.model.turns import after_some_turns, turn
from tests.support.naming import named

#: Turns of an undisturbed system within which any job ends.
_PATIENCE = 6000
_MOST_DELIVERIES = 6


class EveryOrder(Machine):
    """What is disturbed counts: where nothing was, nothing may be lost either."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.forgetful = self.interrupted = self.killed = False
        self.processes = [Process(self.server, stream, self.model) for stream in (subjects.JOBS, subjects.STEPS) * 2]
        self.server.store(subjects.job(PATTERN.name, named(JOB)), b"{}")
        self._begin()

    @turn
    def _begin(self) -> None:
        self.reader, self.caller = FollowingReader(self.server), Caller(self.server)

    @initialize(can_forget=st.booleans(), can_be_cancelled=st.sampled_from([True, False, False]))
    def begin(self, can_forget: bool, can_be_cancelled: bool) -> None:
        self.can_forget, self.can_be_cancelled = can_forget, can_be_cancelled

    # what goes on by itself

    @rule(turns=st.integers(1, 12), speaking=st.booleans())
    def all_go_on(self, turns: int, speaking: bool) -> None:
        for _ in range(turns):
            self._go_on(speaking=speaking)

    @rule(pick=picks, to=picks, stream=st.sampled_from([subjects.JOBS, subjects.STEPS, subjects.STEPS]))
    @turn
    def a_message_is_delivered_perhaps_again(self, pick: int, to: int, stream: str) -> None:
        queued = [one for one in self.server.queued(stream) if self.server.deliveries(one) < _MOST_DELIVERIES]
        if queued:
            entry = queued[pick % len(queued)]
            takers = [one for one in self.processes if one.stream == stream and entry.sequence not in one.in_work]
            if takers:
                self.interrupted |= any(entry.sequence in one.in_work for one in self.processes if one.stream == stream)
                takers[to % len(takers)].receive(entry)

    @precondition(lambda self: self.model.speaking)
    @rule(pick=picks, words=st.integers(1, 4))
    @turn
    def the_model_speaks(self, pick: int, words: int) -> None:
        call = self.model.speaking[pick % len(self.model.speaking)]
        for _ in range(words):
            call.speak()

    # what befalls

    @rule(by=st.sampled_from([0, 1, 3, 8]))
    def a_replica_falls_behind(self, by: int) -> None:
        self.server.behind = by

    @precondition(lambda self: self.can_be_cancelled and not self.cancelled)
    @rule(turns=st.integers(0, 12))
    @after_some_turns
    @turn
    def a_caller_cancels(self) -> None:
        self.cancelled = self.interrupted = True
        self.others.append(asyncio.ensure_future(cancel(self.caller.bus, named(JOB))))

    @precondition(lambda self: self.model.speaking)
    @rule(pick=picks)
    @turn
    def the_model_fails(self, pick: int) -> None:
        call = self.model.speaking[pick % len(self.model.speaking)]
        if sum(other.fails for other in self.model.calls if other.key == call.key) < 3:
            call.fails = True
            call.speak()

    @rule(pick=picks, turns=st.integers(0, 12))
    @after_some_turns
    @turn
    def a_connection_is_cut(self, pick: int) -> None:
        self.interrupted = True
        self.others.append(self._everybody[pick % len(self._everybody)].reconnect())

    @rule(pick=picks, turns=st.integers(0, 12))
    @after_some_turns
    @turn
    def a_process_is_killed(self, pick: int) -> None:
        """Another takes its place. What it has sent may be handled still."""
        self.interrupted = self.killed = True
        place = pick % len(self.processes)
        killed = self.processes[place]
        self.others += killed.kill()
        self.ghosts.append(killed.connection)
        self.processes[place] = Process(self.server, killed.stream, self.model)

    @rule(forgets=st.integers(0, 12), turns=st.integers(0, 12))
    @after_some_turns
    @turn
    def nats_is_killed(self, forgets: int) -> None:
        self.interrupted = True
        kept = max(1, len(self.server.log) - forgets * self.can_forget)  # the job itself is older
        self.forgetful |= any(isinstance(one, Entry) for one in self.server.log[kept:])
        del self.server.log[kept:]
        self.ghosts.clear()
        self.others += [one.reconnect() for one in self._everybody]

    # how it ends

    def teardown(self) -> None:
        try:
            self.server.behind = 0
            self._nobody_pays_for_what_nobody_awaits()
            for _ in range(_PATIENCE):
                if self._is_over():
                    break
                self._go_on(again=True)
                if not any(one.sent or one.arriving for one in self._connections()):
                    self.loop.settle(1.0)
            assert self._is_over(), "the job does not end"
            self._check()
        finally:
            self.loop.run_until_complete(self._close())
            self.loop.close()
            asyncio.set_event_loop(None)

    def _nobody_pays_for_what_nobody_awaits(self) -> None:
        """Once all that was sent has arrived, calls are closed whose step has an outcome, or whose job has ended.

        However many notices of that were lost with their connections.
        """
        while any(one.sent or one.arriving for one in self._connections()) or self.ghosts:
            turn(self._exchange)()
            self.ghosts = [one for one in self.ghosts if one.sent]
        for call in self.model.speaking:
            awaited = not any(self.server.fact(subjects.journal(named(JOB), key)) for key in (call.key, END))
            assert awaited or self.forgetful, f"call {call.number} goes on"

    def _check(self) -> None:
        facts = {subjects.key_of(one.subject): one.data for one in self.server.entries(subjects.JOURNAL)}
        end = JobEnd.model_validate_json(facts[END])
        outcomes = {k: Outcome.model_validate_json(data) for k, data in facts.items() if is_step(k)}
        if self.forgetful and end.problem and end.problem.code == "replay_mismatch":
            return  # NATS forgot what a later step, whose outcome came after that, had been given (docs/reliability.md)
        assert end.status == "completed" or (self.cancelled and end.status == "cancelled"), end.problem
        if (
            not self.forgetful and end.result
        ):  # else an outcome that was read, and is in the result, may be another one by now
            names = "first", "second", "third"
            assert end.result == {name: outcomes[f"say-{number}"].value for number, name in enumerate(names, 1)}
            assert end.usage == sum((outcome.usage for outcome in outcomes.values()), start=Usage())
            assert not any(call.finished_before for call in self.model.calls), "a step was paid after it was finished"
        for key, outcome in outcomes.items():
            self._check_usage(key, outcome)
        self._check_spending(facts, outcomes)
        first = self.reader
        self._begin()
        for _ in range(_PATIENCE):
            if self.reader.task.done():
                break
            self._go_on()
            if not any(one.sent or one.arriving for one in self._connections()):
                self.loop.settle(1.0)
        assert self.reader.task.done(), "a reader of all events does not end"
        for reader in (first, self.reader):
            terminal = [event for event in reader.events if isinstance(event, TERMINAL)]
            assert terminal == reader.events[-1:]
            if not self.forgetful:
                assert terminal == [end_event(end)]
            (last,) = terminal
            if not isinstance(last, JobCompleted):
                continue
            # where NATS has forgotten a step's end as well, the job's end alone tells
            assert self.forgetful or reader.shown.value == last.result, reader.events
            assert reader.text is None or json.loads(reader.text) == last.result
            assert reader.text or self.forgetful or any(event.type == "part.reset" for event in reader.events)

    def _check_usage(self, key: str, outcome: Outcome) -> None:
        """Each call is in it once, or not at all; and it is, where nothing was interrupted."""
        calls = {1 << call.number for call in self.model.calls if call.key == key and call.began}
        told = {tokens for tokens in calls if tokens & outcome.usage.output_tokens}
        assert sum(told) == outcome.usage.output_tokens
        assert len(told) == outcome.usage.calls
        if not self.interrupted:
            assert told == calls

    def _check_spending(self, facts: dict[str, bytes], outcomes: dict[str, Outcome]) -> None:
        """Each call is in exactly one fact, but for those of processes that were killed, and what NATS forgot."""
        wasted = [Wasted.model_validate_json(data) for key, data in facts.items() if key.startswith(wasted_key(""))]
        bills = [fact.paid for fact in outcomes.values()] + [fact.paid for fact in wasted]
        paid = [usage for bill in bills for usage in bill.values()]
        told = sum(usage.output_tokens for usage in paid)
        assert sum(usage.calls - usage.unmetered for usage in paid) == told.bit_count(), "a call is told twice"
        begun = sum(1 << call.number for call in self.model.calls if call.began)
        assert not told & ~begun
        if not self.killed and not self.forgetful:
            assert told == begun, "a call is not told"

    def _is_over(self) -> bool:
        if self.server.fact(subjects.journal(named(JOB), END)) is None or not self.reader.task.done():
            return False
        if any(one.in_work or one.telling for one in self.processes):  # what an attempt cost is told at its end
            return False
        return not (self.server.queued(subjects.JOBS) or self.server.queued(subjects.STEPS))

    @turn
    def _go_on(self, *, speaking: bool = True, again: bool = False) -> None:
        """Each takes a step; what was never delivered is, and `again` what nobody has in work."""
        self._exchange()
        for call in self.model.speaking:
            if speaking:
                call.speak()
        for stream in (subjects.JOBS, subjects.STEPS):
            takers = [one for one in self.processes if one.stream == stream]
            for entry in self.server.queued(stream):
                held = any(entry.sequence in one.in_work for one in takers)
                if not self.server.deliveries(entry) or (again and not held):
                    takers[0].receive(entry)

    @property
    def _everybody(self) -> list[Caller]:
        return [*self.processes, self.reader, self.caller]

    def _connections(self) -> list[Connection]:
        return [one.connection for one in self._everybody]

    async def _close(self) -> None:
        tasks = [task for one in self.processes for task in one.kill()]
        for one in (self.reader, self.caller):
            one.connection.close()
        await self._stop(*tasks, self.reader.task)


def test_every_order_of_events_has_one_end() -> None:
    machine.run(EveryOrder)
