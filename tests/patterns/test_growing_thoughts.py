"""What a model with tools writes in a turn grows in public, and goes where it belongs once the turn is whole."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from penstock import tool_agent
from penstock.contracts.events import Delta, PartRetract, StepCompleted
from penstock.contracts.turns import TextPiece, ToolCall, Turn
from penstock.document import Document, LinearJSON, Reader, Shape
from penstock.patterns.multi_step_tool_usage import PATTERN
from penstock.patterns.multi_step_tool_usage.contract import Conclusion
from penstock.testing import PatternTest
from penstock.testing.pattern_test import BEGUN
from penstock.testing.playing import Stage
from penstock.testing.script import Script
from penstock.tools import TOOLS
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.asyncio(loop_scope="session")

WHY = "First I work out what both of them cost together."
PLACE = "/steps/0/description"
AGENT = tool_agent(name="agent", tools=TOOLS.values(), instructions="Be brief.")


def calling(*expressions: str, text: str = WHY) -> Turn:
    calls = [ToolCall(name="calculate", args={"expression": expression}) for expression in expressions]
    return Turn(role="model", parts=(TextPiece(text=text), *calls))


STEPS: dict[str, Any] = {
    "think": [
        calling("1 + 2", "3 * 4", text=f"\n {WHY} \n"),
        calling("5", text=" \n"),
        Turn.of("model", "It is 3."),
        Turn.of("model", "It is 3, unchecked."),  # where it is asked for a check
    ],
    **{tool.step.name: tool.step.do for tool in TOOLS.values()},
    "conclude": Conclusion(solution="So.", final_answer="3", verification="None."),
}


async def test_a_thought_is_read_while_it_is_written(pipeline: Pipeline) -> None:
    """The model's reply is held after its first words until these have been read."""
    call = {"name": "calculate", "args": {"expression": "3 + 4"}}
    reply = {"text": WHY, "functionCalls": [call], "hold": "thought"}
    await pipeline.gemini.rule(step="think", times=1, reply=reply)
    job = await pipeline.submit(PATTERN.name, {"problem": "What are 3 and 4?"})
    document, read = Document(), Reader()
    async with asyncio.timeout(PATIENCE), aclosing(pipeline.following(job)) as events:
        async for event in events:
            assert not isinstance(event, StepCompleted)
            document.apply(event)
            if isinstance(event, Delta):
                break
    assert WHY.startswith(said := document.value["steps"][0]["description"])
    assert said
    await pipeline.gemini.release("thought")
    assert (await pipeline.result(job))["steps"][0]["description"] == WHY
    accepted = [event for event in await pipeline.events(job) if read.accept(event)]
    pieces = [event.t for event in accepted if isinstance(event, Delta) and event.p == PLACE and event.k == "think-1"]
    assert "".join(pieces) == f'"{WHY}"'


async def test_a_thought_before_calls_is_the_first_ones_description_without_the_space_around_it() -> None:
    """The other calls have the same; where the model says nothing, a description says which tool is used."""
    result = (await PatternTest(PATTERN, STEPS).run()).result
    assert [step.description for step in result.steps] == [WHY, WHY, "Use calculate"]


@pytest.mark.parametrize("pattern", [PATTERN, AGENT], ids=lambda pattern: pattern.name)
async def test_who_reads_plain_json_is_sent_no_thought_before_it_is_known_to_stay(pattern: Any) -> None:
    """The last turn's words are void where they grew: nobody is cut off, and a call's come before what it gives."""
    run = await PatternTest(pattern, STEPS).run()
    assert {event.p for event in run.events if isinstance(event, PartRetract)} == {"/steps/3"}
    assert not run.cut_off
    assert pattern.result.model_validate_json(run.text) == run.result
    linear, text = LinearJSON(Shape.of(pattern.result)), ""
    for event in run.events:
        if isinstance(event, StepCompleted) and event.key == "call-1-1":
            break
        text += linear.feed(event)
    assert f'"description":"{WHY}"' in text


async def test_the_last_turn_of_an_agent_moves_to_its_answer() -> None:
    run = await PatternTest(AGENT, STEPS).run()
    document, grew = Document(), False
    for event in run.events[:-1]:
        document.apply(event)
        grew |= {"description": "It is 3."} in document.value.get("steps", ())
    assert grew
    assert (run.result.answer, document.value["answer"]) == ("It is 3.", "It is 3.")


async def test_words_that_a_worker_of_an_older_release_did_not_show_are_shown_by_the_run() -> None:
    async with Script({PATTERN.name: PATTERN}, STEPS) as script:
        stage = Stage(PATTERN, PATTERN.example, script, {}, BEGUN.timestamp(), None, PATIENCE)
        first = await stage.play()
        older = {key: fact.model_copy(update={"words_into": None}) for key, fact in first.facts.all.items()}
        again = await stage.play(older.values())
    document = Document()
    for event in again.log.sent:
        document.apply(event)
    assert first.document is not None
    assert document.value["steps"] == first.document["steps"]
