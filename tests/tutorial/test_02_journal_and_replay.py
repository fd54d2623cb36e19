"""A run can be lost at any moment: its journal holds what is done, and another replica goes on from there."""

import pytest

from penstock.contracts.events import StepCompleted
from penstock.contracts.wire import Wire
from penstock.pattern import Pattern, Run
from penstock.settings import Settings
from tests.support.pipeline import Pipeline
from tests.tutorial.writing import DRAFT, Subjects, calls_about, settings_with, write


class Book(Wire):
    chapters: tuple[str, ...]


async def book(run: Run, request: Subjects) -> Book:
    chapters = []
    for number, subject in enumerate(request.subjects):
        chapters.append(await write(run, subject, into=f"/chapters/{number}"))
    run.close("/chapters")
    return Book(chapters=tuple(chapters))


PATTERN = Pattern(
    name="book",
    summary="Writes chapters one after the other.",
    run=book,
    request=Subjects,
    result=Book,
    steps=(DRAFT,),
    example=Subjects(subjects=("tides", "dunes")),
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings_with(settings, f"{__name__}:PATTERN")


async def test_each_step_leaves_one_outcome_in_the_journal(pipeline: Pipeline) -> None:
    """Keys are the step's name and a running number, unless the pattern names them."""
    job = await pipeline.submit("book", {"subjects": ["tides", "dunes"]})
    result = await pipeline.result(job)
    outcomes = await pipeline.outcomes(job)
    assert {key: outcome.value for key, outcome in outcomes.items()} == {
        "draft-1": result["chapters"][0],
        "draft-2": result["chapters"][1],
    }


async def test_an_aggregator_that_dies_in_the_middle_is_replaced_and_nothing_is_done_twice(pipeline: Pipeline) -> None:
    """The replay runs the pattern from the top: finished steps answer at once, the one under way is awaited."""
    await pipeline.gemini.rule(contains="dunes", reply={"hold": "dunes"})
    job = await pipeline.submit("book", {"subjects": ["tides", "dunes", "reefs"]})
    await pipeline.gemini.wait(held="dunes")

    await pipeline.stop("aggregator", grace=0)
    await pipeline.start("aggregator")
    await pipeline.gemini.release("dunes")

    events = await pipeline.events(job)
    assert len((await pipeline.result(job))["chapters"]) == 3
    assert await calls_about(pipeline.gemini, "tides", "dunes", "reefs") == {"tides": 1, "dunes": 1, "reefs": 1}
    assert [event.key for event in events if isinstance(event, StepCompleted)] == ["draft-1", "draft-2", "draft-3"]


async def test_steps_go_on_while_no_aggregator_lives(pipeline: Pipeline) -> None:
    """A step's outcome waits in the journal for whoever runs the job next."""
    await pipeline.gemini.rule(contains="tides", reply={"hold": "tides"})
    job = await pipeline.submit("book", {"subjects": ["tides"]})
    await pipeline.gemini.wait(held="tides")
    await pipeline.stop("aggregator", grace=0)
    async with pipeline.settlements() as settlements:
        await pipeline.gemini.release("tides")
        await settlements.wait_for("ACK")
    assert set(await pipeline.outcomes(job)) == {"draft-1"}

    await pipeline.start("aggregator")
    assert len((await pipeline.result(job))["chapters"]) == 1
    assert await calls_about(pipeline.gemini, "tides") == {"tides": 1}
