"""What a pattern returns is compared with what callers were shown: it may add to it, not contradict it."""

import pytest

from penstock.contracts.events import PartValue
from penstock.contracts.options import PatternRequest
from penstock.contracts.wire import Wire
from penstock.document import Document
from penstock.pattern import Pattern, Run
from penstock.settings import Settings
from tests.support.pipeline import Pipeline
from tests.tutorial.writing import DRAFT, settings_with, write


class Truth(PatternRequest):
    lie: bool = False
    scalar: bool = False


class Note(Wire):
    text: str
    details: dict[str, int] | int
    author: str


async def note(run: Run, request: Truth) -> Note:
    text = await write(run, "tides", into="/text")
    run.put("/details/words", 2)
    if request.lie:
        text = "something else"
    return Note(text=text, details=1 if request.scalar else {"words": 2, "lines": 1}, author="nobody")


PATTERN = Pattern(name="note", summary="", run=note, request=Truth, result=Note, steps=(DRAFT,), example=Truth())


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings_with(settings.model_copy(update={"show_errors": True}), f"{__name__}:PATTERN")


async def test_members_that_were_not_streamed_are_streamed_at_the_end(pipeline: Pipeline) -> None:
    """The document is whole before the end is published, also below a place of which a part was streamed."""
    job = await pipeline.submit("note", {})
    events = await pipeline.events(job)
    result = (await pipeline.end(job)).result
    assert result is not None
    assert list(result) == ["text", "details", "author"]
    assert result["details"] == {"words": 2, "lines": 1}
    assert [event.p for event in events if isinstance(event, PartValue)] == [
        "/details/words",
        "/details/lines",
        "/author",
    ]
    document = Document()
    for event in events[:-1]:
        document.apply(event)
    assert document.value == result


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ("lie", "at '/text' it streamed 'about the tides' and returned 'something else'"),
        ("scalar", "at '/details' it streamed {'words': 2} and returned 1"),
    ],
)
async def test_a_result_that_contradicts_its_stream_fails_the_job(pipeline: Pipeline, how: str, named: str) -> None:
    """An answer that nobody saw grow is no answer. The author is told where the two differ."""
    await pipeline.gemini.rule(step="draft", reply={"text": "about the tides"})
    failed = await pipeline.failure(await pipeline.submit("note", {how: True}))
    assert failed.problem.code == "pattern_error"
    assert named in failed.problem.detail
