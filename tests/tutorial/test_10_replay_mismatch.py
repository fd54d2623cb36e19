"""A pattern that was changed while a job ran asks for other work than the journal has: an error, not a guess."""

from contextlib import suppress

import pytest

from penstock.contracts.wire import Wire
from penstock.errors import StepFailed
from penstock.pattern import Pattern, Run
from penstock.settings import Settings
from tests.support.pipeline import Pipeline
from tests.tutorial.writing import DRAFT, Subjects, calls_about, settings_with, write

#: What the deployed code says the first step is about.
deployed = {"first": "tides"}


class Text(Wire):
    text: str


async def changing(run: Run, request: Subjects) -> Text:
    with suppress(StepFailed):  # this pattern can do without
        await write(run, deployed["first"])
    return Text(text=await write(run, "dunes"))


PATTERN = Pattern(
    name="changing", summary="", run=changing, request=Subjects, result=Text, steps=(DRAFT,), example=Subjects()
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings_with(settings, f"{__name__}:PATTERN")


@pytest.mark.parametrize("first", ["done", "failed"])
async def test_a_replay_that_asks_for_something_else_fails_with_its_own_error(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """`replay_mismatch` names the key; nothing runs under it again. It does not matter how the step had ended."""
    if first == "failed":
        await pipeline.gemini.rule(contains="tides", fault={"status": 400})
    await pipeline.gemini.rule(contains="dunes", reply={"hold": "dunes"})
    job = await pipeline.submit("changing", {})
    await pipeline.gemini.wait(held="dunes")

    await pipeline.stop("aggregator", grace=0)
    monkeypatch.setitem(deployed, "first", "reefs")
    await pipeline.start("aggregator")

    failed = await pipeline.failure(job)
    assert failed.problem.code == "replay_mismatch"
    assert "draft-1" in failed.problem.detail
    assert await calls_about(pipeline.gemini, "tides", "reefs") == {"tides": 1, "reefs": 0}
