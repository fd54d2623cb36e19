"""A step that fails for good fails its job, unless the pattern knows how to go on without it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from penstock.contracts.events import PartReset
from penstock.contracts.options import PatternRequest
from penstock.contracts.wire import Wire
from penstock.document import Document
from penstock.errors import PatternFailure, StepFailed
from penstock.pattern import Pattern, Run
from penstock.patterns.sequential_processing.contract import EvaluateInput, Review
from penstock.settings import Settings
from tests.support.pipeline import Pipeline
from tests.tutorial.writing import DRAFT, EVALUATE, settings_with, write


class How(PatternRequest):
    how: str


class Essay(Wire):
    text: str
    evaluation: Review | None = None


async def plain(run: Run) -> Essay:
    return Essay(text=await write(run, "tides", into="/text"), evaluation=None)


async def gathered(run: Run) -> Essay:
    texts = await asyncio.gather(write(run, "tides"), write(run, "dunes"))
    return Essay(text="".join(texts))


async def grouped(run: Run) -> Essay:
    async with asyncio.TaskGroup() as group:
        first, second = (group.create_task(_awaited(write(run, subject))) for subject in ("tides", "dunes"))
    return Essay(text=first.result() + second.result())


async def forgiving(run: Run) -> Essay:
    evaluation = None
    text = await write(run, "dunes", into="/text")
    try:
        evaluation = await run.step(EVALUATE, EvaluateInput(input="tides", content=text), into="/evaluation")
    except StepFailed:
        run.put("/evaluation", None)
    return Essay(text=text, evaluation=evaluation)


async def refusing(run: Run) -> Essay:
    async with asyncio.TaskGroup() as group:
        group.create_task(_refuse())
    raise AssertionError("unreachable")


async def giving_up(run: Run) -> Essay:
    task = asyncio.ensure_future(asyncio.sleep(60))
    task.cancel()
    await task
    raise AssertionError("unreachable")


async def raising(run: Run) -> Essay:
    raise LookupError("nobody has to see this text")


async def careless(run: Run) -> Essay:
    """Leaves something behind that goes on when the run is over."""
    text = await write(run, "tides")
    left_behind.append(asyncio.create_task(_later(run)))
    return Essay(text=text)


left_behind: list["asyncio.Task[None]"] = []
go_on = asyncio.Event()


async def _later(run: Run) -> None:
    await go_on.wait()
    write(run, "never")


async def _awaited(step: Awaitable[str]) -> str:
    return await step


async def _refuse() -> None:
    raise PatternFailure("budget_exhausted", "that is enough")


WAYS: dict[str, Callable[[Run], Awaitable[Essay]]] = {
    way.__name__: way for way in (plain, gathered, grouped, forgiving, refusing, giving_up, raising, careless)
}


async def essay(run: Run, request: How) -> Essay:
    return await WAYS[request.how](run)


PATTERN = Pattern(
    name="essay",
    summary="",
    run=essay,
    request=How,
    result=Essay,
    steps=(DRAFT, EVALUATE),
    example=How(how="plain"),
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings_with(settings, f"{__name__}:PATTERN")


async def test_the_job_fails_with_the_steps_code_and_key(pipeline: Pipeline) -> None:
    """400 from the model is final: no retry, and the caller is told which step it was."""
    await pipeline.gemini.rule(step="draft", fault={"status": 400, "message": "No."})
    job = await pipeline.submit("essay", {"how": "plain"})
    failed = await pipeline.failure(job)
    assert (failed.problem.code, failed.problem.step) == ("model_rejected", "draft-1")
    assert "step.failed" in [event.type for event in await pipeline.events(job)]
    assert len(await pipeline.gemini.calls(job=job)) == 1


@pytest.mark.parametrize("how", ["gathered", "grouped"])
async def test_where_one_branch_fails_the_others_are_aborted(pipeline: Pipeline, how: str) -> None:
    """With asyncio.gather and with a TaskGroup alike: the job's failure is the step's, not an ExceptionGroup."""
    await pipeline.gemini.rule(contains="dunes", reply={"hold": "dunes"})
    await pipeline.gemini.rule(contains="tides", fault={"safety": True}, reply={"hold": "tides", "holdBefore": True})
    job = await pipeline.submit("essay", {"how": how})
    await pipeline.gemini.wait(held="dunes")
    await pipeline.gemini.release("tides")
    failed = await pipeline.failure(job)
    assert (failed.problem.code, failed.problem.step) == ("model_blocked", "draft-1")
    (aborted,) = await pipeline.gemini.wait(job=job, status="disconnected")
    assert "dunes" in aborted.prompt


async def test_a_step_that_fails_in_mid_stream_leaves_its_place_clean(pipeline: Pipeline) -> None:
    """What it had written is taken back by a `part.reset`, so the run can put something else there."""
    await pipeline.gemini.rule(step="evaluate", reply={"finishReason": "SAFETY"})
    job = await pipeline.submit("essay", {"how": "forgiving"})
    events = await pipeline.events(job)
    end = await pipeline.end(job)
    assert end.usage.calls == len(await pipeline.gemini.calls(job=job)), "what failed was paid for too"
    result = end.result
    assert result is not None
    assert result["evaluation"] is None
    assert [event.p for event in events if isinstance(event, PartReset)] == ["/evaluation"]
    document = Document()
    for event in events[:-1]:
        document.apply(event)
    assert document.value == result


async def test_a_pattern_may_fail_with_a_code_of_its_own(pipeline: Pipeline) -> None:
    """Also from within a TaskGroup."""
    failed = await pipeline.failure(await pipeline.submit("essay", {"how": "refusing"}))
    assert failed.problem.code == "budget_exhausted"


@pytest.mark.parametrize(("how", "named"), [("raising", "LookupError"), ("giving_up", "CancelledError")])
async def test_a_bug_in_a_pattern_fails_its_job_and_no_other(pipeline: Pipeline, how: str, named: str) -> None:
    """The kind of error is shown, its text stays in the log: it may hold what callers must not see."""
    failed = await pipeline.failure(await pipeline.submit("essay", {"how": how}))
    assert failed.problem.code == "pattern_error"
    assert named in failed.problem.detail
    assert "nobody" not in failed.problem.detail
    assert (await pipeline.run("essay", {"how": "plain"}))["text"]


async def test_a_step_asked_for_when_the_run_is_over_is_refused(pipeline: Pipeline) -> None:
    """Nothing is dispatched for a job that has its end."""
    go_on.clear()
    left_behind.clear()
    job = await pipeline.submit("essay", {"how": "careless"})
    await pipeline.result(job)
    go_on.set()
    with pytest.raises(RuntimeError, match="is over"):
        await left_behind[0]
    assert len(await pipeline.gemini.calls(job=job)) == 1
