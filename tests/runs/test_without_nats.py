"""A run needs no NATS: patterns of patterns, time and chance are the same in every replay."""

import random

from penstock import Pattern, PatternRequest, Run, Wire
from penstock.contracts.events import RunEvent
from penstock.testing import PatternTest
from tests.authors.atlas import ATLAS, AtlasRequest

STEPS = {"write": lambda given: f"about {given.subject}", "title": "An atlas"}
REQUEST = AtlasRequest(sea=("tides", "reefs"), land=("dunes",))


async def test_every_beginning_of_a_journal_leads_to_the_same_end() -> None:
    """And every order in which steps at work at once may end. What the run itself tells has an id, none twice."""
    run = await PatternTest(ATLAS, STEPS, fan_out=2, replays=200).run(REQUEST)
    assert run.replays == 200
    told = [event.id for event in run.events if isinstance(event, RunEvent)]
    assert len(told) == len({*told})


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
    once = (await PatternTest(DRAW).run()).result
    random.seed(5)
    again = (await PatternTest(DRAW).run()).result
    assert once == again
    assert len({*once.numbers, *once.ids}) == 6
