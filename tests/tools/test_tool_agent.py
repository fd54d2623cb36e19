"""`tool_agent`: a pattern whose model has tools of an author's own."""

from typing import Any

import pytest

from penstock import tool, tool_agent
from penstock.contracts.events import Delta
from penstock.contracts.step import Step
from penstock.contracts.tool import Tool
from penstock.errors import Misconfigured
from penstock.patterns.loading import load
from penstock.settings import Settings
from penstock.simulator.wire import PlannedCall, Reply
from tests.gateway import ui_chunks
from tests.support.gateway_process import GatewayServer
from tests.support.pipeline import Pipeline
from tests.support.reading import chunks
from tests.tools import agents

DAYS = {"first": "2026-02-27", "second": "2026-03-01"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"patterns": ("tests.tools.agents:LIBRARY", "tests.tools.agents:BRANCH")})


@pytest.fixture(autouse=True)
def gate(monkeypatch: pytest.MonkeyPatch) -> agents.Gate:
    gate = agents.Gate()
    monkeypatch.setattr(agents, "gate", gate)
    return gate


def calling(*calls: tuple[str, dict[str, Any]]) -> Reply:
    return Reply(text="I look.", function_calls=tuple(PlannedCall(name=name, args=args) for name, args in calls))


async def turns(pipeline: Pipeline, *replies: Reply) -> None:
    """What the model says in its turns; then it answers."""
    for reply in replies:
        await pipeline.gemini.rule(step="think", times=1, reply=reply)
    await pipeline.gemini.rule(step="think", reply={"text": "So it is."})


async def test_an_agent_calls_an_authors_tools_as_steps_of_its_job(pipeline: Pipeline, gate: agents.Gate) -> None:
    """The model has the author's words and the tools' schemas; the last turn is the answer."""
    gate.open.set()
    await turns(pipeline, calling(("daysBetween", DAYS), ("lookAtShelf", {"number": 7})))
    job = await pipeline.submit("library", {"problem": "How old is it?"})
    assert await pipeline.result(job) == {
        "steps": [
            {
                "step": 1,
                "description": "I look.",
                "tool": "daysBetween",
                "asked": '{"first":"2026-02-27","second":"2026-03-01"}',
                "result": "2",
            },
            {
                "step": 2,
                "description": "I look.",
                "tool": "lookAtShelf",
                "asked": '{"number":7}',
                "result": '{"titles":["Volume 7 for call-1-2"]}',
            },
        ],
        "complete": True,
        "answer": "So it is.",
    }
    steps = {key: outcome.step for key, outcome in (await pipeline.outcomes(job)).items()}
    assert steps == {"think-1": "think", "call-1-1": "days-between", "call-1-2": "look-at-shelf", "think-2": "think"}
    first, last = await pipeline.gemini.calls(job=job)
    assert first.tools == ["daysBetween", "lookAtShelf"]
    assert "You are a librarian.\n\nYou have tools." in first.prompt
    assert [one.response for one in last.results] == [{"output": "2"}, {"titles": ["Volume 7 for call-1-2"]}]


async def test_when_no_turn_is_left_the_answer_says_so_and_streams(pipeline: Pipeline) -> None:
    await pipeline.gemini.rule(step="think", reply=calling(("daysBetween", DAYS), ("conjure", {})))
    await pipeline.gemini.rule(step="answer", reply={"text": "It came as far as two days."})
    job = await pipeline.submit("library", {"problem": "How old is it?", "options": {"maxTurns": 2}})
    result = await pipeline.result(job)
    assert (result["complete"], result["answer"]) == (False, "It came as far as two days.")
    assert [one["result"] for one in result["steps"]] == [
        "2",
        "error: there is no tool 'conjure'; there are daysBetween, lookAtShelf",
    ] * 2
    assert any(isinstance(event, Delta) and event.p == "/answer" for event in await pipeline.events(job))
    (asked,) = await pipeline.gemini.calls(job=job, step="answer")
    assert asked.tools == []
    assert "You are a librarian." in asked.prompt


async def test_the_calls_of_one_turn_are_bounded_by_fan_out(pipeline: Pipeline, gate: agents.Gate) -> None:
    """The other calls of the turn wait, and are made."""
    await turns(pipeline, calling(*(("lookAtShelf", {"number": number}) for number in range(30))))
    job = await pipeline.submit("library", {"problem": "What is there?"})
    await gate.full.wait()
    gate.open.set()
    assert len((await pipeline.result(job))["steps"]) == 30
    assert (gate.begun, gate.most) == (30, 8)


async def test_an_agent_that_is_killed_goes_on_where_it_was(pipeline: Pipeline, gate: agents.Gate) -> None:
    """No call and no thought is made twice."""
    await turns(pipeline, calling(("lookAtShelf", {"number": 1})))
    job = await pipeline.submit("library", {"problem": "What is there?"})
    async for event in pipeline.following(job):
        if event.type == "step.started" and event.k == "call-1-1":
            break
    await pipeline.stop("aggregator", grace=0)
    await pipeline.start("aggregator")
    gate.open.set()
    assert (await pipeline.result(job))["answer"] == "So it is."
    assert gate.begun == 1
    assert len(await pipeline.gemini.calls(job=job)) == 2


async def test_a_chat_is_shown_the_calls_of_any_agent(
    pipeline: Pipeline, gateway: GatewayServer, gate: agents.Gate
) -> None:
    gate.open.set()
    await turns(pipeline, calling(("lookAtShelf", {"number": 7}), ("conjure", {})))
    found = await chunks(gateway.http, "POST", "/library?protocol=ui-message", json={"problem": "What is there?"})
    ui_chunks.check(found)
    called = [chunk for chunk in found if chunk["type"].startswith("tool-")]
    assert [(chunk["type"], chunk["toolCallId"]) for chunk in called[:2]] == [
        ("tool-input-available", "call-1-1"),
        ("tool-input-available", "call-1-2"),
    ]
    answers = {chunk["toolCallId"]: chunk for chunk in called[2:]}
    assert answers["call-1-1"]["output"] == {"titles": ["Volume 7 for call-1-1"]}
    assert "no tool" in answers["call-1-2"]["errorText"]


async def test_an_agent_may_be_a_part_of_another_pattern(
    pipeline: Pipeline, gateway: GatewayServer, gate: agents.Gate
) -> None:
    """Its calls are shown as well."""
    gate.open.set()
    await turns(pipeline, calling(("lookAtShelf", {"number": 7})))
    found = await chunks(gateway.http, "POST", "/branch?protocol=ui-message", json={"question": "What is there?"})
    ui_chunks.check(found)
    results = [chunk["data"] for chunk in found if chunk["type"] == "data-result"]
    assert results[-1] == {"answer": "So it is."}
    (called,) = [chunk for chunk in found if chunk["type"] == "tool-output-available"]
    assert called["toolCallId"] == "desk__call-1-1"
    assert called["output"] == {"titles": ["Volume 7 for desk__call-1-1"]}


def test_instructions_may_be_a_file_and_change_the_version(tmp_path: Any) -> None:
    file = tmp_path / "instructions.md"
    file.write_text("Be kind.\n")
    written = tool_agent(name="a", tools=[agents.days_between], instructions=file)
    said = tool_agent(name="a", tools=[agents.days_between], instructions="Be kind.")
    other = tool_agent(name="a", tools=[agents.days_between], instructions="Be quick.")
    versions = [pattern.steps[0].version for pattern in (written, said, other)]
    assert versions[0] == versions[1] != versions[2]


def test_names_follow_the_functions() -> None:
    assert isinstance(agents.days_between, Tool)
    assert (agents.look_at_shelf.name, agents.look_at_shelf.step.name) == ("lookAtShelf", "look-at-shelf")
    assert agents.look_at_shelf.description == "What stands on a shelf."

    @tool(name="HTTPGet2", description="Gets.", service="fetcher", slots=2)
    async def get(given: agents.Shelf) -> str:
        return ""

    assert (get.name, get.step.name, get.step.service, get.step.slots) == ("HTTPGet2", "httpget2", "fetcher", 2)


async def _untyped(given: Any) -> str:
    """Something."""
    return ""


async def _silent(given: agents.Shelf):  # type: ignore[no-untyped-def]
    """Something."""


async def _undescribed(given: agents.Shelf) -> str:
    return ""


def _plain(given: agents.Shelf) -> str:
    """Something."""
    return ""


@pytest.mark.parametrize(
    ("do", "why"),
    [
        (_untyped, "first parameter needs the annotation"),
        (_silent, "needs to say that it returns"),
        (_undescribed, "needs a description"),
        (_plain, "no async function"),
    ],
)
def test_a_function_that_can_be_no_tool_is_named_with_its_place(do: Any, why: str) -> None:
    with pytest.raises(TypeError, match=rf"the tool {do.__name__} \(.*test_tool_agent\.py:\d+\).*{why}"):
        tool()(do)


def test_two_tools_of_one_name_are_refused(tmp_path: Any) -> None:
    with pytest.raises(Misconfigured, match="two tools have one name: daysBetween, daysBetween"):
        tool_agent(name="a", tools=[agents.days_between, agents.days_between], instructions="")


def test_a_tool_of_a_service_of_its_own_is_served_there() -> None:
    pattern = tool_agent(name="a", tools=[agents.FORGET], instructions="")
    assert {step.service for step in pattern.steps} == {"workers", "x"}
    assert isinstance(pattern.steps[2], Step)
    assert "library" in load(("tests.tools.agents:LIBRARY",))
