"""What an executor gets from a model, and what is done about replies that do not fit."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Literal

import pytest

from penstock.contracts.wire import Wire as Message
from penstock.errors import ModelFailure, ModelUnavailable, OutputInvalid
from penstock.llm.ask import MAX_CALLS, StepModel
from penstock.llm.client import Llm
from penstock.llm.selector import Asked
from tests.llm.asking import ADD, GOOD, LABELS, PROMPT, Received, Review, asker, at
from tests.llm.wire import Wire, events, parts, said
from tests.support.simulator import Steering


async def test_a_text_is_streamed_while_it_arrives(llm: Llm, steering: Steering) -> None:
    await steering.rule(reply={"text": "A river is a road that carries you."})
    received = Received()
    model = asker(llm, received)
    assert await model.text(PROMPT, stream=True) == "A river is a road that carries you." == model.raw
    assert "".join(received.pieces) == model.raw
    assert len(received.pieces) > 1
    assert received.restarts == 0


async def test_usage_and_model_are_known_afterwards(llm: Llm, steering: Steering) -> None:
    model = asker(llm)
    assert (model.usage.calls, model.model) == (0, "gemini-3.8-flash")
    await model.text(PROMPT, stream=True)
    await model.text(PROMPT, stream=True)
    calls = [call.usage for call in await steering.calls() if call.usage is not None]
    assert model.usage.calls == len(calls) == 2
    assert model.usage.output_tokens == sum(usage.candidates_token_count for usage in calls)
    assert model.model == "simulator/gemini-3.8-flash"


async def test_an_object_is_what_was_streamed(llm: Llm, steering: Steering) -> None:
    await steering.rule(reply={"json": GOOD})
    received = Received()
    model = asker(llm, received)
    review = await model.object(PROMPT, Review, stream=True)
    assert review == Review(score=7, short_summary="fine", improvements=["shorter"])
    assert Review.model_validate_json("".join(received.pieces)) == review


async def test_an_object_of_the_simulators_own_fits(llm: Llm) -> None:
    model = asker(llm)
    assert isinstance(await model.object(PROMPT, Review, stream=True), Review)
    assert model.usage.calls == 1


class Colour(StrEnum):
    RED = "red"


class Strict(Message):
    ratio: float
    colour: Colour
    kind: Literal["a", "b"]
    pair: tuple[int, ...]


async def test_strict_takes_whole_numbers_for_floats_and_words_for_enums(llm: Llm, steering: Steering) -> None:
    await steering.rule(reply={"json": {"ratio": 1, "colour": "red", "kind": "a", "pair": [1, 2]}})
    model = asker(llm)
    assert await model.object(PROMPT, Strict) == Strict(ratio=1, colour=Colour.RED, kind="a", pair=(1, 2))
    assert model.usage.calls == 1


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({**GOOD, "score": "7"}, '"/score": Input should be a valid number'),
        ({**GOOD, "score": 11}, '"/score": Input should be less than or equal to 10'),
        ({**GOOD, "improvements": ["a", 2]}, '"/improvements/1": Input should be a valid string'),
        ({"score": 7, "improvements": []}, '"/shortSummary": Field required'),
        ({"score": 7, "short_summary": "x", "improvements": []}, '"/shortSummary": Field required'),
    ],
)
async def test_a_reply_that_does_not_fit_is_asked_for_again_with_what_is_wrong(
    llm: Llm, steering: Steering, wrong: object, named: str
) -> None:
    await steering.rule(reply={"json": wrong}, times=1)
    await steering.rule(reply={"json": GOOD})
    received = Received()
    model = asker(llm, received)
    assert (await model.object(PROMPT, Review, stream=True)).score == 7
    _, again = await steering.calls()
    assert named in again.prompt
    assert '"improvements"' in again.prompt, "the faulty reply is shown"
    assert received.restarts == 1
    assert Review.model_validate_json("".join(received.pieces))
    assert model.usage.calls == 2


async def test_the_conversation_of_a_repair_keeps_its_turns() -> None:
    good = '{"score": 7, "shortSummary": "x", "improvements": []}'
    async with Wire([said("not json"), said("nor this"), said(good)]) as wire, at(wire.url) as llm:
        await asker(llm).object(PROMPT, Review)
    contents = wire.asked[2].body["contents"]
    assert [turn["role"] for turn in contents] == ["user", "model", "user"]
    assert contents[0] == wire.asked[0].body["contents"][0]
    assert contents[1]["parts"] == [{"text": "nor this"}]
    assert "Invalid JSON" in contents[2]["parts"][0]["text"]


async def test_broken_json_is_asked_for_at_most_three_times(llm: Llm, steering: Steering) -> None:
    await steering.rule(fault={"invalidJson": True})
    received = Received()
    model = asker(llm, received)
    with pytest.raises(OutputInvalid, match="none of 3 replies"):
        await model.object(PROMPT, Review, stream=True)
    assert (await steering.stats()).calls == 3 == model.usage.calls
    assert received.restarts == 2, "after the last reply nothing is asked again"


async def test_the_last_errors_come_with_the_failure(llm: Llm, steering: Steering) -> None:
    await steering.rule(reply={"json": {"score": 0, "improvements": [1] * 50}})
    with pytest.raises(OutputInvalid) as raised:
        await asker(llm).object(PROMPT, Review)
    assert "/score: Input should be greater than or equal to 1" in raised.value.detail
    assert len(raised.value.errors) == 20
    assert raised.value.errors[0].pointer == "/score"
    assert raised.value.problem().errors is not None


async def test_what_a_check_finds_wrong_is_repaired_like_a_schema_and_at_last_by_the_tier_above() -> None:
    def too_short(reply: str) -> list[str]:
        return [] if "and" in reply else ["Say also where the river ends."]

    replies = [said("A source."), said("A bend."), said("A source and a mouth.")]
    async with Wire(replies) as wire, at(wire.url) as llm:
        model = asker(llm, stronger=Asked("gemini-4-argon"))
        assert await model.text(PROMPT, too_short, stream=True) == "A source and a mouth."
    assert [asked.model for asked in wire.asked] == ["gemini-3.8-flash", "gemini-3.8-flash", "gemini-4-argon"]
    assert "- Say also where the river ends." in wire.asked[1].body["contents"][-1]["parts"][0]["text"]


async def test_a_reply_that_no_check_accepts_fails_with_what_was_wrong(llm: Llm) -> None:
    with pytest.raises(OutputInvalid, match="none of 3 replies was usable; the last: never good enough"):
        await asker(llm).text(PROMPT, lambda _: ["never good enough"])


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "claude-5"])
async def test_models_that_know_no_levels_of_thinking_are_given_none(model: str) -> None:
    async with Wire([said("fine")]) as wire, at(wire.url) as llm:
        await StepModel(llm, Asked(model), LABELS).text(PROMPT)
    assert "thinkingConfig" not in wire.asked[0].body["generationConfig"]


async def test_a_long_faulty_reply_is_shown_shortened() -> None:
    long = said("x" * 50_000, "MAX_TOKENS")
    async with Wire([long, long, said("short")]) as wire, at(wire.url) as llm:
        assert await asker(llm, may_shorten=True).text(PROMPT) == "short"
    shown = wire.asked[2].body["contents"][1]["parts"][0]["text"]
    assert "[30000 characters left out]" in shown
    assert len(shown) < 21_000


@pytest.mark.parametrize("blank", ["", " \n"])
async def test_a_blank_reply_is_asked_for_again(llm: Llm, steering: Steering, blank: str) -> None:
    await steering.rule(reply={"text": blank}, times=1)
    await steering.rule(reply={"text": "something"})
    assert await asker(llm).text(PROMPT) == "something"


class Choosy(Received):
    """Finds fault with its first piece, once."""

    def text(self, piece: str) -> None:
        if not self.restarts:
            raise OutputInvalid("a bracket that nothing opened")
        super().text(piece)


async def test_a_sink_that_finds_fault_cuts_the_reply_short(llm: Llm, steering: Steering) -> None:
    await steering.rule(reply={"text": "]] and more of it" * 20, "hold": "for ever"}, times=1)
    await steering.rule(reply={"json": GOOD})
    model = asker(llm, Choosy())
    assert (await model.object(PROMPT, Review, stream=True)).score == 7
    await steering.wait(status="disconnected")
    assert "a bracket that nothing opened" in (await steering.calls())[1].prompt
    assert model.usage.calls == 2, "what was produced of the first reply is paid for"


@pytest.mark.parametrize(("status", "kind"), [(503, ModelUnavailable), (400, ModelFailure)])
async def test_other_failures_are_not_repaired(
    llm: Llm, steering: Steering, status: int, kind: type[Exception]
) -> None:
    await steering.rule(fault={"status": status})
    model = asker(llm)
    with pytest.raises(kind):
        await model.text(PROMPT, stream=True)
    assert (await steering.stats()).calls == 1
    assert model.usage.calls == 0


async def test_a_turn_has_text_and_calls_and_all_signatures() -> None:
    reply = events(
        parts({"text": "I "}),
        parts({"text": "add."}),
        parts({"functionCall": {"name": "add", "args": {"a": 1}}, "thoughtSignature": "AQID"}),
        parts({"functionCall": {"name": "add", "args": {"a": 2}}}),
        parts({"text": "", "thoughtSignature": "BAUG"}, finish="STOP"),
    )
    received = Received()
    async with Wire([reply]) as wire, at(wire.url) as llm:
        turn = await asker(llm, received).turn(PROMPT, [ADD], stream=True)
    assert turn.text == "I add."
    assert [call.args for call in turn.calls] == [{"a": 1}, {"a": 2}]
    assert [call.signature for call in turn.calls] == ["AQID", None]
    assert [part.kind for part in turn.parts] == ["text", "call", "call", "text"]
    assert turn.parts[-1].model_dump() == {"kind": "text", "text": "", "signature": "BAUG"}
    assert received.pieces == ["I ", "add."]
    (declared,) = wire.asked[0].body["tools"][0]["functionDeclarations"]
    assert declared["parameters_json_schema"]["propertyOrdering"] == ["a", "b"]


async def test_a_turn_of_too_many_calls_is_asked_for_again(llm: Llm, steering: Steering) -> None:
    """Each would be a step of the job."""
    call = {"name": "add", "args": {"a": 1, "b": 2}}
    await steering.rule(reply={"functionCalls": [call] * (MAX_CALLS + 1)}, times=1)
    await steering.rule(reply={"functionCalls": [call] * MAX_CALLS})
    turn = await asker(llm).turn(PROMPT, [ADD])
    assert len(turn.calls) == MAX_CALLS
    assert f"at most {MAX_CALLS}" in (await steering.calls())[1].prompt


async def test_a_malformed_call_is_asked_for_again(llm: Llm, steering: Steering) -> None:
    await steering.rule(reply={"finishReason": "MALFORMED_FUNCTION_CALL", "text": "print(add("}, times=1)
    await steering.rule(reply={"functionCalls": [{"name": "add", "args": {"a": 1, "b": 2}}]})
    turn = await asker(llm).turn(PROMPT, [ADD])
    assert turn.calls[0].name == "add"
    assert "MALFORMED_FUNCTION_CALL" in (await steering.calls())[1].prompt


async def test_half_a_character_is_no_part_of_a_turn() -> None:
    """No message could hold it. In text it is replaced; with other arguments the tool is called anew."""
    call = {"functionCall": {"name": "add", "args": {"a": "\ud800", "b": 1}}}
    wrong = events(parts({"text": "Half\ud800 of it"}, call, finish="STOP"))
    right = events(parts({"text": "Half\ud800 of it"}, finish="STOP", modelVersion="\udc00"))
    async with Wire([wrong, right]) as wire, at(wire.url) as llm:
        model = asker(llm)
        turn = await model.turn(PROMPT, [ADD])
    assert (turn.text, turn.calls, model.model) == ("Half\ufffd of it", (), "\ufffd")
    assert "half a character" in json.dumps(wire.asked[1].body)
