"""One step for each of many inputs: in order, bounded, and killed in the middle."""

import json
from collections import Counter

import pytest

from penstock.contracts.events import PartClose
from penstock.settings import Settings
from tests.authors import mapping
from tests.authors.following import shown, text_of
from tests.support.pipeline import Pipeline

WORDS = [f"word{number}" for number in range(9)]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"patterns": (f"{mapping.__name__}:PATTERN",), "fan_out": 3})


async def test_outputs_are_in_the_order_of_the_inputs(pipeline: Pipeline) -> None:
    """Keys are numbered like those of steps that are called one by one, or by the map's own key."""
    job = await pipeline.submit("mapping", {"words": WORDS})
    events = await pipeline.events(job)
    result = shown(events)
    assert result["shouted"] == [{"word": word.upper()} for word in WORDS]
    assert json.loads(text_of(mapping.PATTERN, events)) == result
    assert {event.p for event in events if isinstance(event, PartClose)} == {"/shouted", "/texts"}
    outcomes = await pipeline.outcomes(job)
    assert outcomes["shout-9"].value == {"word": "WORD8"}
    assert outcomes["text-9"].value == result["texts"][8]
    assert outcomes["text-9"].into == "/texts/8"


async def test_all_maps_of_a_job_together_keep_to_its_fan_out(pipeline: Pipeline) -> None:
    """Killed in the middle, the run goes on where it was: no more at once, and none twice."""
    await pipeline.gemini.rule(step="write", times=3, reply={"hold": "first"})
    await pipeline.gemini.rule(step="write", reply={"hold": "rest"})
    job = await pipeline.submit("mapping", {"words": WORDS})
    await pipeline.gemini.wait(held="first", count=3)
    await pipeline.stop("aggregator", grace=0)
    await pipeline.start("aggregator")
    await pipeline.gemini.release("first")
    await pipeline.gemini.wait(held="rest", count=3)
    assert set(await pipeline.outcomes(job)) == {f"shout-{n}" for n in range(1, 10)} | {f"text-{n}" for n in (1, 2, 3)}
    await pipeline.gemini.release("rest")
    assert len(shown(await pipeline.events(job))["texts"]) == 9
    assert (await pipeline.gemini.stats()).peak_running == 3
    assert set(Counter(call.key for call in await pipeline.gemini.calls(job=job)).values()) == {1}


async def test_failures_may_be_collected(pipeline: Pipeline) -> None:
    """In the places of the outputs; null stands in the array."""
    job = await pipeline.submit("mapping", {"words": ["one", "bad", "two"], "collect": True})
    result = shown(await pipeline.events(job))
    assert result["shouted"] == [{"word": "ONE"}, None, {"word": "TWO"}]
    assert (len(result["texts"]), result["failed"]) == (2, 1)


async def test_the_first_failure_ends_the_map(pipeline: Pipeline) -> None:
    """What is at work is given up, what was not dispatched by then is not."""
    job = await pipeline.submit("mapping", {"words": ["bad", *(f"endless {word}" for word in WORDS)]})
    problem = (await pipeline.failure(job)).problem
    assert (problem.code, problem.step) == ("output_invalid", "shout-1")
    outcomes = await pipeline.outcomes(job)
    assert {"shout-1", "shout-2", "shout-3"} <= outcomes.keys() <= {"shout-1", "shout-2", "shout-3", "shout-4"}
    assert {outcome.failure and outcome.failure.code for outcome in outcomes.values()} == {
        "output_invalid",
        "abandoned",
    }


async def test_no_inputs_are_an_empty_array(pipeline: Pipeline) -> None:
    job = await pipeline.submit("mapping", {"words": []})
    events = await pipeline.events(job)
    assert shown(events) == {"shouted": [], "texts": [], "failed": 0}
    assert json.loads(text_of(mapping.PATTERN, events)) == shown(events)
