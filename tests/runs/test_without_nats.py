"""A run needs no NATS: a journal, a log and something that does its steps are enough."""

import asyncio
import random
from collections.abc import Iterable
from typing import Any

from penstock import Options, Pattern, PatternRequest, Run, Step, Wire
from penstock.contracts.events import Event, RunEvent
from penstock.contracts.journal import JobStart, Outcome
from penstock.contracts.step import StepMessage
from penstock.runs.replay import ReplayRun
from penstock.runs.work import Work
from tests.authors.atlas import ATLAS, AtlasRequest

REQUEST = AtlasRequest(sea=("tides", "reefs"), land=("dunes",))


class Facts:
    """A journal in memory, of facts in the order in which they were written."""

    def __init__(self, known: Iterable[Outcome] = ()) -> None:
        self.all = {fact.key: fact for fact in known}
        self._written = asyncio.Condition()

    def outcome(self, key: str) -> Outcome | None:
        return self.all.get(key)

    async def wait_for(self, key: str) -> None:
        async with self._written:
            await self._written.wait_for(lambda: key in self.all)

    async def write(self, key: str, fact: Outcome) -> Outcome:
        async with self._written:
            self._written.notify_all()
            return self.all.setdefault(key, fact)

    async def read(self) -> None: ...

    async def keys(self) -> list[str]:
        return list(self.all)


class Log:
    def __init__(self) -> None:
        self.sent: list[Event] = []

    def send(self, event: Event) -> None:
        self.sent.append(event)

    async def flush(self) -> None: ...


async def completed(pattern: Pattern[Any, Any], request: PatternRequest, facts: Facts) -> tuple[Any, Log, list[str]]:
    """What the pattern returns, what it tells, and the keys that were dispatched. A look at the clock is a minute."""
    log, dispatched, minutes = Log(), [], iter(range(0, 6_000, 60))

    async def dispatch(step: Step[Any, Any], message: StepMessage) -> None:
        dispatched.append(message.key)
        value = f"about {message.input['subject']}"
        await facts.write(message.key, Outcome(**message.model_dump(), value=value, attempt=1, service="test"))

    work = Work(
        job="job",
        start=JobStart(pattern=pattern.name, body_hash="", accepted_at=1.5, deadline=60),
        journal=facts,
        events=log,
        dispatch=dispatch,
        clock=lambda: next(minutes),
        fan_out=2,
        max_steps=1000,
        begun=facts.keys,
    )
    returned, _ = await ReplayRun(work, pattern, Options()).complete(request)
    return returned, log, dispatched


async def test_every_beginning_of_a_journal_leads_to_the_same_end() -> None:
    """The result, and what each event says that has an id. Only what is missing is dispatched."""
    facts = Facts()
    returned, log, _ = await completed(ATLAS, REQUEST, facts)
    told = by_id(log)
    for length in range(len(facts.all) + 1):
        again = Facts([*facts.all.values()][:length])
        known = set(again.all)
        result, log, dispatched = await completed(ATLAS, REQUEST, again)
        assert not known & set(dispatched)
        if {"sea__now-1", "land__now-1"} <= known:
            assert (result, by_id(log)) == (returned, told)


def by_id(log: Log) -> dict[str, Any]:
    assert all(isinstance(event, RunEvent) for event in log.sent)
    found = {event.id: event for event in log.sent if isinstance(event, RunEvent)}
    assert len(found) == len(log.sent), "no id twice"
    return found


class Drawn(Wire):
    numbers: tuple[float, ...]
    ids: tuple[str, ...]


async def draw(run: Run, request: PatternRequest) -> Drawn:
    numbers = run.random().random(), run.random().random(), run.random(key="mine").random()
    return Drawn(numbers=numbers, ids=(str(run.uuid()), str(run.uuid()), str(run.uuid(key="my-id"))))


DRAW = Pattern(
    name="draw", summary="", run=draw, request=PatternRequest, result=Drawn, steps=(), example=PatternRequest()
)


async def test_chance_is_the_same_in_every_replay_and_another_at_each_call() -> None:
    """Whatever else is drawn from Python's own generator."""
    once, _, _ = await completed(DRAW, PatternRequest(), Facts())
    random.seed(5)
    again, _, _ = await completed(DRAW, PatternRequest(), Facts())
    assert once == again
    assert len({*once.numbers, *once.ids}) == 6
