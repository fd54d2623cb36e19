"""Steering: rules decide what certain calls are answered."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from google.genai import types
from google.genai.client import AsyncClient

from tests.support.simulator import Steering, SteeringError

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHEMA = {
    "type": "object",
    "properties": {"score": {"type": "number", "minimum": 1, "maximum": 10}, "feedback": {"type": "string"}},
    "required": ["score", "feedback"],
}


def config(schema: Any = None, **headers: str) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(
        http_options=types.HttpOptions(headers={f"x-penstock-{name}": value for name, value in headers.items()}),
        response_mime_type="application/json" if schema else None,
        response_json_schema=schema,
    )


async def text_of(gemini: AsyncClient, prompt: str = "rain", **headers: str) -> str | None:
    reply = await gemini.models.generate_content(model="gemini-2.5-flash", contents=prompt, config=config(**headers))
    return reply.text


async def test_the_first_matching_rule_decides(gemini: AsyncClient, steering: Steering) -> None:
    await steering.rule(step="draft", reply={"text": "one"})
    await steering.rule(reply={"text": "two"})
    assert await text_of(gemini, step="draft") == "one"
    assert await text_of(gemini, step="improve") == "two"
    assert await text_of(gemini) == "two"


async def test_a_rule_can_be_for_a_job_a_key_a_model_or_words_of_the_prompt(
    gemini: AsyncClient, steering: Steering
) -> None:
    await steering.rule(job="j1", key="k1", reply={"text": "by job and key"})
    await steering.rule(model="gemini-2.5-pro", reply={"text": "by model"})
    await steering.rule(contains="quiet harbour", reply={"text": "by words"})
    await steering.rule(reply={"text": "by none"})
    assert await text_of(gemini, job="j1", key="k1") == "by job and key"
    assert await text_of(gemini, job="j1", key="k2") == "by none"
    assert await text_of(gemini, prompt="a quiet harbour") == "by words"
    reply = await gemini.models.generate_content(
        model="gemini-2.5-flash",
        contents="x",
        config=types.GenerateContentConfig(system_instruction="You know the quiet harbour."),
    )
    assert reply.text == "by words"
    assert (await gemini.models.generate_content(model="gemini-2.5-pro", contents="x")).text == "by model"


async def test_times_uses_a_rule_up_and_skip_lets_the_first_calls_pass(gemini: AsyncClient, steering: Steering) -> None:
    await steering.rule(skip=1, times=2, reply={"text": "steered"})
    await steering.rule(reply={"text": "else"})
    assert [await text_of(gemini) for _ in range(4)] == ["else", "steered", "steered", "else"]


async def test_a_rule_that_changes_nothing_keeps_its_calls_from_later_ones(
    gemini: AsyncClient, steering: Steering
) -> None:
    await steering.rule(step="draft")
    await steering.rule(reply={"text": "steered"})
    assert await text_of(gemini, step="improve") == "steered"
    assert "simulated" in (await text_of(gemini, step="draft") or "")


async def test_merge_changes_members_of_the_generated_object(gemini: AsyncClient, steering: Steering) -> None:
    await steering.rule(reply={"merge": {"score": 9.2}})
    reply = await gemini.models.generate_content(
        model="gemini-2.5-flash", contents="Rate: solar lamps", config=config(SCHEMA)
    )
    value = json.loads(reply.text or "")
    assert list(value) == ["score", "feedback"]
    assert value["score"] == 9.2
    assert "solar" in value["feedback"]


async def test_a_whole_value_and_function_calls_can_be_given(gemini: AsyncClient, steering: Steering) -> None:
    await steering.rule(times=1, reply={"json": [1, {"two": None}]})
    await steering.rule(times=1, reply={"functionCalls": [{"name": "look", "args": {"at": "rain"}}]})
    assert json.loads(await text_of(gemini) or "") == [1, {"two": None}]
    calls = (await gemini.models.generate_content(model="gemini-2.5-flash", contents="rain")).function_calls
    assert calls is not None
    assert [(call.name, call.args) for call in calls] == [("look", {"at": "rain"})]


async def test_a_finish_reason_can_be_given(gemini: AsyncClient, steering: Steering) -> None:
    await steering.rule(reply={"text": "so", "finishReason": "RECITATION"})
    reply = await gemini.models.generate_content(model="gemini-2.5-flash", contents="rain")
    assert reply.candidates is not None
    assert reply.candidates[0].finish_reason == types.FinishReason.RECITATION


async def test_a_held_stream_stops_after_its_first_chunk_until_it_is_released(
    gemini: AsyncClient, steering: Steering
) -> None:
    await steering.rule(step="draft", reply={"text": "it begins here and it ends there", "hold": "gate"})
    chunks: list[str] = []

    async def read() -> None:
        stream = await gemini.models.generate_content_stream(
            model="gemini-2.5-flash", contents="rain", config=config(step="draft")
        )
        async for chunk in stream:
            chunks.append(chunk.text or "")

    reading = asyncio.create_task(read())
    (call,) = await steering.wait(step="draft", held="gate")
    assert (call.status, call.chunks) == ("running", 1)
    assert not reading.done()
    await steering.release("gate")
    await reading
    assert "".join(chunks) == "it begins here and it ends there"


async def test_a_hold_before_the_reply_sends_nothing_and_a_release_may_come_first(
    gemini: AsyncClient, steering: Steering
) -> None:
    await steering.rule(reply={"text": "late", "hold": "gate", "holdBefore": True})
    asking = asyncio.create_task(text_of(gemini))
    (call,) = await steering.wait(held="gate")
    assert call.chunks == 0
    await steering.release("gate")
    assert await asking == "late"
    assert await text_of(gemini) == "late"


async def test_a_reply_of_one_chunk_is_held_before_it(gemini: AsyncClient, steering: Steering) -> None:
    await steering.rule(reply={"functionCalls": [{"name": "look"}], "hold": "gate"})

    async def read() -> list[types.GenerateContentResponse]:
        return [one async for one in await gemini.models.generate_content_stream(model="gemini-3-pro", contents="rain")]

    reading = asyncio.create_task(read())
    await steering.wait(held="gate")
    assert not reading.done()
    await steering.release("gate")
    assert len(await reading) == 1


async def test_clearing_forgets_the_rules_and_lets_go_what_is_held(gemini: AsyncClient, steering: Steering) -> None:
    await steering.rule(reply={"text": "held", "hold": "gate"})
    asking = asyncio.create_task(text_of(gemini))
    await steering.wait(held="gate")
    await steering.clear()
    assert await asking == "held"
    assert await steering.calls() == []


async def test_a_reply_can_have_a_pace_of_its_own(gemini: AsyncClient, steering: Steering) -> None:
    await steering.rule(reply={"text": "word " * 8, "pace": {"ttft": 0.05, "tokensPerSecond": 200}})
    clock = asyncio.get_running_loop().time
    started = clock()
    arrivals = []
    async for _ in await gemini.models.generate_content_stream(model="gemini-2.5-flash", contents="rain"):
        arrivals.append(clock() - started)
    assert arrivals[0] >= 0.05
    assert arrivals[-1] >= 0.05 + 5 / 200


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({"reply": {"txt": "a"}}, ["reply", "txt"]),
        ({"stepp": "a", "reply": {"text": "a"}}, ["stepp"]),
        ({"times": 0, "reply": {"text": "a"}}, ["times"]),
        ({"fault": {"status": 200}}, ["fault", "status"]),
        ({"fault": {"status": 503, "hang": True}}, ["fault"]),
        ({"reply": {"text": "a", "json": 1}}, ["reply"]),
    ],
)
async def test_a_bad_rule_is_refused_with_the_name_of_the_field(url: str, body: dict[str, Any], loc: list[str]) -> None:
    async with httpx.AsyncClient(base_url=url) as http:
        answer = await http.post("/simulator/rules", json=body)
    assert answer.status_code == 422
    assert ["body", *loc] in [error["loc"] for error in answer.json()["detail"]]


async def test_the_client_says_what_was_wrong_with_a_rule(steering: Steering) -> None:
    with pytest.raises(SteeringError, match=r'"fault","statuss"'):
        await steering.rule(fault={"statuss": 503})
