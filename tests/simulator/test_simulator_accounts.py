"""Accounts: the simulator counts every call, and tests wait for calls instead of sleeping."""

import asyncio

import httpx
import pytest
from google.genai import types
from google.genai.client import AsyncClient

from tests.support.simulator import Steering

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = "gemini-2.5-flash"


def config(**headers: str) -> types.GenerateContentConfig:
    tagged = {f"x-penstock-{name}": value for name, value in headers.items()}
    return types.GenerateContentConfig(http_options=types.HttpOptions(headers=tagged))


async def test_a_call_is_kept_with_its_origin_its_prompt_and_its_usage(gemini: AsyncClient, steering: Steering) -> None:
    reply = await gemini.models.generate_content(
        model=MODEL, contents="rain", config=config(step="draft", job="j1", key="draft-0")
    )
    (call,) = await steering.calls()
    assert (call.method, call.model, call.status) == ("generateContent", MODEL, "completed")
    assert (call.step, call.job, call.key, call.prompt) == ("draft", "j1", "draft-0", "rain")
    assert call.ended_at is not None
    assert call.ended_at >= call.started_at
    assert call.usage is not None
    assert reply.usage_metadata is not None
    assert call.usage.total_token_count == reply.usage_metadata.total_token_count


async def test_schema_members_and_tools_of_a_call_are_named(gemini: AsyncClient, steering: Steering) -> None:
    schema = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "string"}}}
    await gemini.models.generate_content(
        model=MODEL,
        contents="rain",
        config=types.GenerateContentConfig(
            response_mime_type="application/json",
            response_json_schema=schema,
            tools=[types.Tool(function_declarations=[types.FunctionDeclaration(name="look")])],
        ),
    )
    (call,) = await steering.calls()
    assert (call.schema_properties, call.tools) == (["b", "a"], ["look"])


async def test_calls_can_be_picked_by_job_and_step(gemini: AsyncClient, steering: Steering) -> None:
    for step, job in [("draft", "j1"), ("evaluate", "j1"), ("draft", "j2")]:
        await gemini.models.generate_content(model=MODEL, contents="rain", config=config(step=step, job=job))
    assert [call.step for call in await steering.calls(job="j1")] == ["draft", "evaluate"]
    assert [call.job for call in await steering.calls(step="draft")] == ["j1", "j2"]


async def test_totals_count_every_call_exactly(gemini: AsyncClient, steering: Steering) -> None:
    await steering.rule(step="last", reply={"hold": "gate", "holdBefore": True})
    steps = ["draft"] * 3 + ["last"] * 4
    asking = [gemini.models.generate_content(model=MODEL, contents="rain", config=config(step=step)) for step in steps]
    waiting = asyncio.gather(*asking)
    await steering.wait(step="last", held="gate", count=4)
    await steering.wait(step="draft", status="completed", count=3)
    assert (await steering.stats()).running == 4
    await steering.release("gate")
    await waiting
    stats = await steering.stats()
    assert (stats.calls, stats.completed, stats.running) == (7, 7, 0)
    assert 4 <= stats.peak_running <= 7


async def test_a_caller_that_goes_in_the_middle_of_a_stream_is_noticed_at_once(
    gemini: AsyncClient, steering: Steering
) -> None:
    await steering.rule(reply={"text": "one two three " * 50, "pace": {"tokensPerSecond": 0.01}})

    async def read() -> None:
        async for _ in await gemini.models.generate_content_stream(model=MODEL, contents="rain"):
            pass

    reading = asyncio.create_task(read())
    await steering.wait(status="running", min_chunks=1)
    reading.cancel()
    (call,) = await steering.wait(status="disconnected")  # long before the next word would have been written
    assert call.chunks >= 1
    stats = await steering.stats()
    assert (stats.calls, stats.completed, stats.running) == (1, 0, 0)


async def test_a_caller_that_goes_while_its_reply_is_held_is_noticed(gemini: AsyncClient, steering: Steering) -> None:
    await steering.rule(reply={"hold": "gate"})
    asking = asyncio.create_task(gemini.models.generate_content(model=MODEL, contents="rain"))
    await steering.wait(held="gate")
    asking.cancel()
    await steering.wait(status="disconnected")


async def test_waiting_ends_with_what_was_seen_when_the_time_is_up(gemini: AsyncClient, steering: Steering) -> None:
    await gemini.models.generate_content(model=MODEL, contents="rain", config=config(key="draft-0"))
    with pytest.raises(TimeoutError, match="draft-0 of None completed"):
        await steering.wait(step="evaluate", timeout=0.05)


async def test_a_bad_query_is_refused_with_the_name_of_the_field(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as http:
        answer = await http.get("/simulator/calls", params={"statuss": "running"})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "statuss"]
