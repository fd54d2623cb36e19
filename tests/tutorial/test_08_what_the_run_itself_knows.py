"""`put` writes what no model said, `close` says that nothing more comes, `retract` takes a part back."""

import pytest

from penstock.contracts.events import PartClose, PartRetract, PartValue
from penstock.contracts.wire import Wire
from penstock.document import Document
from penstock.pattern import Pattern, Run
from penstock.settings import Settings
from tests.support.pipeline import Pipeline
from tests.tutorial.writing import DRAFT, Subjects, settings_with, write


class Report(Wire):
    count: int
    subjects: tuple[str, ...]
    text: str


async def report(run: Run, request: Subjects) -> Report:
    run.put("/count", len(request.subjects))
    for number, subject in enumerate(request.subjects):
        run.put(f"/subjects/{number}", subject)
    run.close("/subjects")
    await write(run, "a first attempt", into="/text")
    run.retract("/text")
    text = await write(run, "a second attempt", into="/text")
    return Report(count=len(request.subjects), subjects=request.subjects, text=text)


async def twice(run: Run, request: Subjects) -> Report:
    run.put("/count", 1)
    run.put("/count", 2)
    raise AssertionError("unreachable")


REPORT = Pattern(
    name="report", summary="", run=report, request=Subjects, result=Report, steps=(DRAFT,), example=Subjects()
)
TWICE = Pattern(
    name="twice", summary="", run=twice, request=Subjects, result=Report, steps=(DRAFT,), example=Subjects()
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings_with(settings, f"{__name__}:REPORT", f"{__name__}:TWICE")


async def test_what_is_put_is_part_of_the_result_and_of_its_stream(pipeline: Pipeline) -> None:
    """Readers see it at once, before the first model call has answered."""
    await pipeline.gemini.rule(contains="a first attempt", reply={"text": "No.", "hold": "first"})
    await pipeline.gemini.rule(contains="a second attempt", reply={"text": "Yes."})
    job = await pipeline.submit("report", {"subjects": ["tides", "dunes"]})
    await pipeline.gemini.wait(held="first")
    await pipeline.gemini.release("first")

    events = await pipeline.events(job)
    assert (await pipeline.end(job)).result == {"count": 2, "subjects": ["tides", "dunes"], "text": "Yes."}
    delivered = [(event.type, event.p) for event in events if isinstance(event, PartValue | PartClose | PartRetract)]
    assert delivered == [
        ("part.value", "/count"),
        ("part.value", "/subjects/0"),
        ("part.value", "/subjects/1"),
        ("part.close", "/subjects"),
        ("part.retract", "/text"),
    ]


async def test_a_part_that_was_retracted_is_gone_from_the_document(pipeline: Pipeline) -> None:
    """The assembled document has the second text only, and equals the result before the end is published."""
    document = Document()
    job = await pipeline.submit("report", {"subjects": ["tides"]})
    events = await pipeline.events(job)
    for event in events[:-1]:
        document.apply(event)
    assert document.value == (await pipeline.end(job)).result


async def test_a_replay_tells_nothing_twice(pipeline: Pipeline) -> None:
    """What the run says has ids; readers ignore those they have seen."""
    await pipeline.gemini.rule(contains="a second attempt", reply={"hold": "second"})
    job = await pipeline.submit("report", {"subjects": ["tides"]})
    await pipeline.gemini.wait(held="second")
    await pipeline.stop("aggregator", grace=0)
    await pipeline.start("aggregator")
    await pipeline.gemini.release("second")
    types = [event.type for event in await pipeline.events(job)]
    assert types.count("part.value") == 2
    assert types.count("part.retract") == types.count("part.close") == types.count("job.accepted") == 1


async def test_a_place_is_written_once(pipeline: Pipeline) -> None:
    """Writing it again without taking it back is an error of the pattern."""
    failed = await pipeline.failure(await pipeline.submit("twice", {}))
    assert failed.problem.code == "pattern_error"
