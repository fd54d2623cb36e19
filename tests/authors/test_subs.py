"""A pattern inside a pattern: in the same job, at a place of its result, and killed in the middle."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from penstock.contracts.events import PartClose, StepFailedEvent
from penstock.jetstream.connection import connect
from penstock.local.stack import Stack
from penstock.patterns.loading import load, steps_by_service
from penstock.settings import Settings
from tests.authors import atlas
from tests.authors.following import shown, text_of
from tests.support.pipeline import Pipeline
from tests.support.repository import ROOT
from tests.support.simulator import Steering

NAMES = tuple(f"{atlas.__name__}:{name}" for name in ("ATLAS", "FORGIVING", "CHAPTER", "SHELF"))
REQUEST = {"sea": ["tides", "reefs"], "land": ["dunes"]}
KEYS = {
    *(f"sea__{key}" for key in ("now-1", "chapter-1__write-1", "chapter-2__write-1", "write-1", "write-2")),
    *(f"land__{key}" for key in ("now-1", "chapter-1__write-1", "write-1")),
    "title-1",
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"patterns": NAMES, "show_errors": True})


async def test_each_step_of_a_part_has_a_key_and_a_place_of_its_own(pipeline: Pipeline) -> None:
    """Nested, and at the same time. Readers see all of it grow, at once or as one text."""
    job = await pipeline.submit("atlas", REQUEST)
    result = await pipeline.result(job)
    assert [chapter["title"] for chapter in result["sea"]["chapters"]] == ["tides", "reefs"]
    outcomes = await pipeline.outcomes(job)
    assert outcomes.keys() == KEYS
    assert outcomes["sea__chapter-2__write-1"].value == result["sea"]["chapters"][1]["text"]
    assert outcomes["sea__chapter-2__write-1"].into == "/sea/chapters/1/text"
    assert outcomes["land__write-1"].value == result["land"]["texts"][0]
    events = await pipeline.events(job)
    assert shown(events) == result
    assert json.loads(text_of(atlas.ATLAS, events)) == result
    assert len(await pipeline.gemini.calls(job=job)) == len(KEYS) - 2, "the time is no call"


def test_parts_have_queues_and_no_route() -> None:
    patterns = load(NAMES)
    assert {"atlas", "forgiving"} <= patterns.keys()
    assert not {"part", "pair"} & patterns.keys()
    kinds = steps_by_service(patterns)["workers"].keys()
    assert {"atlas/title", "part/write", "chapter/write", "pair/write", "forgiving/write"} <= kinds


@pytest.fixture
async def processes(tmp_path: Path, gemini_url: str) -> AsyncIterator[tuple[Stack, Pipeline]]:
    """All services as processes, which can be killed."""
    env = {
        "PENSTOCK_PATTERNS": ",".join(NAMES),
        "PENSTOCK_MODEL_BASE_URL": gemini_url,
        "PENSTOCK_ACK_WAIT": "2",
        "PYTHONPATH": str(ROOT),
    }
    async with AsyncExitStack() as resources:
        stack = await resources.enter_async_context(Stack(data=tmp_path / "stack", port=0, env=env))
        gemini = await resources.enter_async_context(Steering(gemini_url))
        settings = Settings(nats_url=stack.nats_url, model_base_url=gemini_url)
        bus = await connect(settings, "test")
        resources.push_async_callback(bus.connection.close)
        yield stack, Pipeline(settings, bus, gemini)


async def test_killed_in_the_middle_of_parts_and_of_a_map_nothing_is_paid_twice(
    processes: tuple[Stack, Pipeline],
) -> None:
    """SIGKILL while one part waits for its second chapter and the other for its map. Times and ids stay the same."""
    stack, pipeline = processes
    held = "sea__chapter-2__write-1", "land__write-1"
    for key in held:
        await pipeline.gemini.rule(key=key, reply={"hold": "middle"})
    job = await pipeline.submit("atlas", REQUEST)
    await pipeline.gemini.wait(held="middle", count=2)
    before = await pipeline.outcomes(job)
    for process in stack.processes:
        if process.name.startswith("aggregator"):
            process.kill()
    await pipeline.gemini.release("middle")
    events = await pipeline.events(job)
    result = shown(events)
    after = await pipeline.outcomes(job)
    assert after.keys() == KEYS
    assert {key: after[key] for key in before} == before
    assert sorted(call.key or "" for call in await pipeline.gemini.calls(job=job)) == sorted(
        key for key in KEYS if "now" not in key
    )
    assert {result[part]["id"][14] for part in ("sea", "land")} == {"4"}, "version 4"
    assert result["sea"]["id"] != result["land"]["id"]


async def test_what_a_part_refuses_its_pattern_may_go_on_without(pipeline: Pipeline) -> None:
    """What the part had shown is taken back, and its place is another step's."""
    job = await pipeline.submit("forgiving", {"first": "tides", "second": "dunes", "refuse": True})
    events = await pipeline.events(job)
    assert shown(events)["why"] == "budget_exhausted"
    assert (await pipeline.outcomes(job)).keys() == {"write-1"}


@pytest.mark.parametrize("dies", [False, True])
async def test_what_is_at_work_beside_a_step_that_failed_is_given_up_for_good(pipeline: Pipeline, dies: bool) -> None:
    """The first text has been shown in part when the second one fails: it ends, and shows no more, in a replay, too."""
    await pipeline.gemini.rule(contains="dunes", reply={"text": "About dunes.", "hold": "dunes"})
    await pipeline.gemini.rule(contains="tides", reply={"hold": "tides"}, fault={"status": 400})
    await pipeline.gemini.rule(contains="one text instead", reply={"text": "Instead.", "hold": "instead"})
    job = await pipeline.submit("forgiving", {"first": "dunes", "second": "tides"})
    await pipeline.gemini.wait(held="dunes")
    await pipeline.gemini.release("tides")
    await pipeline.gemini.wait(held="instead")
    await pipeline.gemini.wait(contains="dunes", status="disconnected")
    if dies:
        await pipeline.stop("aggregator", grace=0)
        await pipeline.start("aggregator")
    await pipeline.gemini.release("instead")
    events = await pipeline.events(job)
    assert shown(events) == {"pair": "Instead.", "why": "model_rejected"}
    failed = {event.key: event.problem.code for event in events if isinstance(event, StepFailedEvent)}
    assert failed == {"pair-1__write-1": "abandoned", "pair-1__write-2": "model_rejected"}
    assert len(await pipeline.gemini.calls(job=job)) == 3


async def test_a_part_without_a_place_shows_nothing(pipeline: Pipeline) -> None:
    """Its result comes with that of the pattern around it."""
    job = await pipeline.submit("forgiving", {"first": "tides", "second": "dunes", "hidden": True})
    outcomes = await pipeline.outcomes(job) if await pipeline.result(job) else {}
    assert [outcome.into for outcome in outcomes.values()] == [None, None]
    assert shown(await pipeline.events(job))["pair"]["second"] == outcomes["pair-1__write-2"].value


async def test_what_nobody_caught_fails_the_job_as_it_is(pipeline: Pipeline) -> None:
    await pipeline.gemini.rule(key="land__chapter-1__write-1", fault={"status": 400})
    problem = (await pipeline.failure(await pipeline.submit("atlas", REQUEST))).problem
    assert (problem.code, problem.step) == ("model_rejected", "land__chapter-1__write-1")


async def test_a_pattern_may_be_a_part_of_itself_so_deep(pipeline: Pipeline) -> None:
    """Eight in one another. Keys that would be too long are shortened."""
    job = await pipeline.submit("chapter", {"subject": "tides", "again": 7})
    result, texts = await pipeline.result(job), []
    while result is not None:
        texts.append(result["text"])
        result = result["then"]
    outcomes = await pipeline.outcomes(job)
    assert sorted(outcome.value for outcome in outcomes.values()) == sorted(texts)
    assert len(outcomes) == 8
    assert {"write-1", "chapter-1__write-1", "chapter-1__chapter-1__write-1"} < outcomes.keys()
    failed = await pipeline.failure(await pipeline.submit("chapter", {"subject": "tides", "again": 8}))
    assert "more than 8 patterns are in one another" in failed.problem.detail


@pytest.mark.parametrize("options", [{"priority": "quality"}, {"model": "complex"}])
async def test_a_part_has_the_priority_and_model_of_its_own_request_or_the_jobs(
    pipeline: Pipeline, options: dict[str, str]
) -> None:
    asked = {"first": "tides", "second": "dunes", "options": options}
    job = await pipeline.submit("forgiving", asked)
    await pipeline.result(job)
    models = {call.model for call in await pipeline.gemini.calls(job=job)}
    assert models == {pipeline.settings.complex_models[0]}


async def test_a_part_may_share_its_place_with_what_is_beside_it(pipeline: Pipeline) -> None:
    """The place stays open for the rest, and is closed with the pattern that it is the place of."""
    job = await pipeline.submit("shelf", {"subject": "tides"})
    events = await pipeline.events(job)
    result = shown(events)
    assert list(result["noted"]) == ["title", "text", "then", "note"]
    assert [event.p for event in events if isinstance(event, PartClose)] == ["/noted"]
    assert json.loads(text_of(atlas.SHELF, events)) == result
