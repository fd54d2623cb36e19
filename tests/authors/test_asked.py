"""What a step was asked, worked out by a replay: with time, chance, signals and parts, and by code that has changed."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from penstock.contracts.asked import AskedStep
from penstock.jetstream import subjects
from penstock.settings import Settings
from tests.authors import approving, atlas, changing, mapping, prompting
from tests.support.gateway_process import GatewayServer, serving_gateway
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline

NAMES = (
    f"{changing.__name__}:DATED",
    f"{approving.__name__}:PATTERN",
    f"{atlas.__name__}:ATLAS",
    f"{mapping.__name__}:PATTERN",
    f"{prompting.__name__}:PATTERN",
)
#: What a look at a job could be written to.
STREAMS = tuple(name for name in subjects.STREAMS if name not in (subjects.COUNTERS, subjects.USAGE))


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"patterns": NAMES})


async def asked(gateway: GatewayServer, job: str, key: str) -> AskedStep:
    answer = (await gateway.http.get(f"/jobs/{job}/steps/{key}")).raise_for_status()
    return AskedStep.model_validate_json(answer.content)


async def written(pipeline: Pipeline) -> dict[str, int]:
    """How many messages each stream has ever been given."""
    streams = {name: await pipeline.bus.jetstream.stream_info(name) for name in STREAMS}
    return {name: info.state.last_seq for name, info in streams.items()}


async def test_time_and_chance_are_as_they_were_and_nothing_is_written(
    pipeline: Pipeline, gateway: GatewayServer
) -> None:
    job = await pipeline.submit("changing", {})
    await pipeline.result(job)
    prompts = {call.key: call.prompt for call in await pipeline.gemini.calls(job=job)}
    before = await written(pipeline)
    for key in ("alpha", "beta", "gamma"):
        given = (await asked(gateway, job, key)).input
        assert given is not None
        assert given["text"] in prompts[key]
    decided = await asked(gateway, job, "now-1")
    assert (decided.input, decided.changed) == (None, False)
    assert decided.output
    assert await written(pipeline) == before


async def test_steps_behind_a_signal_are_shown_and_the_wait_goes_on(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """Of a job that waits again, too; and no timer is set anew."""
    job = await pipeline.submit("approving", {"topic": "a lantern"})
    no = {"approved": False, "wish": ", brighter"}
    (await gateway.http.post(f"/jobs/{job}/signals/approval-1", json=no)).raise_for_status()
    while "pen-2" not in await pipeline.outcomes(job):
        pass
    while (await gateway.http.get(f"/jobs/{job}")).json()["status"] != "waiting":
        pass
    before = await written(pipeline)
    assert (await asked(gateway, job, "pen-2")).input == {"topic": "a lantern", "wish": ", brighter"}
    answer = await gateway.http.get(f"/jobs/{job}/steps/pen-3")
    assert answer.json()["code"] == "unknown_step"
    assert await written(pipeline) == before


async def test_steps_of_parts_have_the_part_s_pattern(pipeline: Pipeline, gateway: GatewayServer) -> None:
    job = await pipeline.submit("atlas", {"sea": ["tides", "reefs"], "land": ["dunes"]})
    await pipeline.result(job)
    found = await asked(gateway, job, "sea__chapter-2__write-1")
    assert (found.pattern, found.step, found.input) == ("chapter", "write", {"subject": "reefs"})
    assert found.prompt is not None


async def test_what_a_failure_beside_it_ended_is_shown(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """The map was given up at the first of its items; the others have their inputs all the same."""
    job = await pipeline.submit("mapping", {"words": ["good", "bad", "fine"]})
    await pipeline.failure(job)
    for key, outcome in (await pipeline.outcomes(job)).items():
        found = await asked(gateway, job, key)
        assert (found.changed, found.step) == (False, outcome.step)
        assert found.input is not None, key


async def ended_of_one(pipeline: Pipeline) -> str:
    """A job of the pattern's first version."""
    for kind in ("aggregator", "workers"):
        await pipeline.start(kind, patterns=(f"{changing.__name__}:ONE",))
        await pipeline.stop(kind)
    job = await pipeline.submit("changing", {})
    await pipeline.result(job)
    return job


def changed_to(pipeline: Pipeline, version: str) -> AbstractAsyncContextManager[GatewayServer]:
    """A gateway that has another version."""
    patterns = (f"{changing.__name__}:{version}",)
    return serving_gateway(pipeline.settings.model_copy(update={"patterns": patterns}))


@pytest.mark.parametrize(
    ("version", "unknown", "known"),
    [("OTHER_INPUT", "beta", "alpha"), ("OTHER_INPUT", "gamma", "alpha"), ("ONE_LESS", "gamma", "beta")],
)
async def test_no_input_is_shown_that_the_step_was_not_given(
    pipeline: Pipeline, version: str, unknown: str, known: str
) -> None:
    """Behind what the pattern asks for today under another key, or with another input, there is no telling."""
    job = await ended_of_one(pipeline)
    async with changed_to(pipeline, version) as gateway:
        found = await asked(gateway, job, unknown)
        assert (found.changed, found.input, found.prompt) == (True, None, None)
        assert found.output
        assert found.why
        earlier = await asked(gateway, job, known)
        assert (earlier.changed, earlier.input) == (False, {"text": known})


@pytest.mark.parametrize(
    ("version", "changed", "why"),
    [("STUCK", False, "did not come"), ("RESTLESS", False, "did not come"), ("JUST_ALPHA", True, "does not ask")],
)
async def test_a_replay_that_does_not_come_to_the_step_is_ended(
    pipeline: Pipeline, version: str, changed: bool, why: str
) -> None:
    """After two seconds; that it never would is said only if the pattern has ended."""
    job = await ended_of_one(pipeline)
    async with changed_to(pipeline, version) as gateway:
        found = await asked(gateway, job, "beta")
        assert (found.input, found.changed) == (None, changed)
        assert why in str(found.why)
        assert found.output == (await pipeline.outcomes(job))["beta"].value


async def test_a_pattern_that_takes_its_time_is_waited_for(pipeline: Pipeline) -> None:
    job = await ended_of_one(pipeline)
    async with changed_to(pipeline, "SLOW") as gateway:
        found = await asked(gateway, job, "gamma")
        assert (found.input, found.changed) == ({"text": "gamma"}, False)


async def test_a_pattern_that_leaves_its_loop_to_nobody_has_one_of_its_own(pipeline: Pipeline) -> None:
    """The gateway serves others meanwhile, and shows the steps of other jobs."""
    job = await ended_of_one(pipeline)
    changing.BEGUN.clear()
    changing.ENOUGH.clear()
    async with changed_to(pipeline, "COMPUTING") as gateway:
        asking = asyncio.create_task(asked(gateway, job, "beta"))
        try:
            assert await asyncio.to_thread(changing.BEGUN.wait, PATIENCE)
            (await gateway.http.get("/livez")).raise_for_status()
            assert (await asked(gateway, job, "alpha")).input == {"text": "alpha"}
        finally:
            changing.ENOUGH.set()
        assert (await asking).output


async def test_a_prompt_says_whose_it_is_and_whether_it_has_changed(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """Of code that asks there is what its file says, or its `prompted`; of code without either nothing."""
    job = await pipeline.submit("prompting", {})
    await pipeline.result(job)
    prompts = {str(key): (await asked(gateway, job, key)).prompt for key in await pipeline.outcomes(job)}
    assert {key: prompt and prompt.by_code for key, prompt in prompts.items()} == {
        "plain-1": False,
        "by-code-1": True,
        "alone-1": None,
        "prompted-1": False,
    }
    assert "no prompt in a file" in str((await asked(gateway, job, "alone-1")).why)
    for key, prompt in prompts.items():
        (call,) = await pipeline.gemini.calls(job=job, key=key)
        assert prompt is None or call.prompt == f"{prompt.system}\n{prompt.turns[0].text}"
    assert str(prompts["prompted-1"]).count("In one line.") == 1
    later = (f"{prompting.__name__}:LATER",)
    async with serving_gateway(pipeline.settings.model_copy(update={"patterns": later})) as gateway:
        for key, changed in (("plain-1", True), ("by-code-1", False)):
            found = await asked(gateway, job, key)
            assert found.prompt is not None
            assert (found.changed, found.prompt.changed) == (False, changed)


@pytest.mark.parametrize(
    ("broken", "job", "key", "said", "file"),
    [
        (
            f"{prompting.__name__}:BROKEN",
            "prompting",
            "prompted-1",
            "LookupError: no prompt for a lantern",
            "prompting",
        ),
        (f"{changing.__name__}:BROKEN", "changing", "gamma", "LookupError: it is not mended yet", "changing"),
    ],
)
async def test_what_an_author_s_code_raises_is_shown_where_a_setting_allows_it(
    pipeline: Pipeline, broken: str, job: str, key: str, said: str, file: str
) -> None:
    """With its place; elsewhere only its kind."""
    if job == "changing":
        id = await ended_of_one(pipeline)
    else:
        id = await pipeline.submit(job, {})
        await pipeline.result(id)
    for show_errors in (True, False):
        changes: dict[str, Any] = {"patterns": (broken,), "show_errors": show_errors}
        async with serving_gateway(pipeline.settings.model_copy(update=changes)) as gateway:
            why = str((await asked(gateway, id, key)).why)
        assert (said in why, f"{file}.py:" in why) == (show_errors, show_errors), why
        assert "LookupError" in why


async def test_a_pattern_that_is_gone_has_no_inputs(pipeline: Pipeline) -> None:
    job = await pipeline.submit("changing", {})
    await pipeline.result(job)
    none: dict[str, Any] = {"patterns": ()}
    async with serving_gateway(pipeline.settings.model_copy(update=none)) as gateway:
        found = await asked(gateway, job, "alpha")
        assert (found.input, found.prompt) == (None, None)
        assert "there is no pattern 'changing'" in str(found.why)
        assert found.output
