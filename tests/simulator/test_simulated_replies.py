"""Replies in text: what the google-genai client gets from the simulator without any steering."""

import asyncio

import httpx
import httpx2
import pytest
from google import genai
from google.genai import types
from google.genai.client import AsyncClient

from tests.support.patience import PATIENCE
from tests.support.simulator import Steering

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROMPT = "Write a short text about a solar backpack that charges phones on a hike."


@pytest.mark.parametrize("version", ["v1", "v1beta"])
async def test_both_api_versions_answer_in_words_of_the_prompt(url: str, version: str) -> None:
    async with httpx2.AsyncClient() as http:
        options = types.HttpOptions(base_url=url, api_version=version, httpx_async_client=http)
        gemini = genai.Client(api_key="x", http_options=options).aio
        reply = await gemini.models.generate_content(model="gemini-2.5-flash", contents=PROMPT)
    assert reply.text is not None
    assert "solar" in reply.text
    assert "backpack" in reply.text


async def test_a_reply_says_that_it_is_simulated(gemini: AsyncClient) -> None:
    reply = await gemini.models.generate_content(model="gemini-2.5-flash", contents=PROMPT)
    assert reply.model_version == "simulator/gemini-2.5-flash"
    assert "simulated" in (reply.text or "")


async def test_a_stream_has_several_chunks_that_add_up_to_the_whole_reply(
    gemini: AsyncClient, steering: Steering
) -> None:
    await steering.rule(reply={"vary": False})
    whole = await gemini.models.generate_content(model="gemini-2.5-flash", contents=PROMPT)
    chunks = [
        chunk async for chunk in await gemini.models.generate_content_stream(model="gemini-2.5-flash", contents=PROMPT)
    ]
    assert len(chunks) > 3
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert {chunk.response_id for chunk in chunks} == {whole.response_id}


async def test_only_the_last_chunk_has_a_finish_reason_and_its_usage_is_the_final_one(
    gemini: AsyncClient, steering: Steering
) -> None:
    await steering.rule(reply={"vary": False})
    whole = await gemini.models.generate_content(model="gemini-2.5-flash", contents=PROMPT)
    reasons = []
    async for chunk in await gemini.models.generate_content_stream(model="gemini-2.5-flash", contents=PROMPT):
        assert chunk.candidates is not None
        reasons.append(chunk.candidates[0].finish_reason)
        usage = chunk.usage_metadata
    assert reasons == [None] * (len(reasons) - 1) + [types.FinishReason.STOP]
    assert usage == whole.usage_metadata


async def test_usage_adds_up(gemini: AsyncClient) -> None:
    reply = await gemini.models.generate_content(model="gemini-2.5-flash", contents=PROMPT)
    usage = reply.usage_metadata
    assert usage is not None
    assert usage.prompt_token_count == len(PROMPT) // 4
    parts = (usage.prompt_token_count, usage.candidates_token_count, usage.thoughts_token_count)
    assert usage.total_token_count == sum(part or 0 for part in parts)


async def test_words_vary_from_call_to_call(gemini: AsyncClient, steering: Steering) -> None:
    """As a real model's do; a rule can have some of them repeated."""
    replies = [await gemini.models.generate_content(model="gemini-2.5-flash", contents=PROMPT) for _ in range(8)]
    assert len({reply.text for reply in replies}) == 8
    await steering.rule(reply={"vary": False})
    replies = [await gemini.models.generate_content(model="gemini-2.5-flash", contents=PROMPT) for _ in range(2)]
    assert len({reply.text for reply in replies}) == 1


async def test_a_reply_stops_at_the_output_limit_of_the_request(gemini: AsyncClient) -> None:
    reply = await gemini.models.generate_content(
        model="gemini-2.5-flash", contents=PROMPT, config=types.GenerateContentConfig(max_output_tokens=5)
    )
    assert reply.candidates is not None
    assert reply.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert reply.usage_metadata is not None
    assert reply.usage_metadata.candidates_token_count == 5


@pytest.mark.parametrize("body", [b"not json", b"[]", b"{}", b'{"contents": [{"role": "robot", "parts": []}]}'])
async def test_a_request_that_gemini_would_refuse_is_an_invalid_argument(url: str, body: bytes) -> None:
    async with httpx.AsyncClient(base_url=url) as http:
        answer = await http.post("/v1/models/gemini-2.5-flash:generateContent", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"


async def test_half_a_surrogate_pair_in_a_prompt_does_no_harm(url: str) -> None:
    body = b'{"contents": [{"role": "user", "parts": [{"text": "harbour \\ud83d light"}]}]}'
    async with httpx.AsyncClient(base_url=url) as http:
        answer = await http.post("/v1/models/gemini-2.5-flash:generateContent", content=body)
        listed = await http.get("/simulator/calls")
    assert answer.status_code == 200
    assert answer.json()["candidates"][0]["finishReason"] == "STOP"
    assert listed.status_code == 200


async def test_a_long_prompt_full_of_brackets_is_answered_in_time(gemini: AsyncClient) -> None:
    prompt = "Review this:\n" + "List<Item> make<Thing>(x) { ``` ((((" * 20_000
    async with asyncio.timeout(PATIENCE):
        reply = await gemini.models.generate_content(model="gemini-2.5-flash", contents=prompt)
    assert reply.text
