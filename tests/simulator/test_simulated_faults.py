"""Faults: each way in which a model can fail, as the google-genai client sees it."""

import asyncio
import json

import httpx2
import pytest
from google.genai import errors, types
from google.genai.client import AsyncClient

from tests.support.simulator import Steering

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = "gemini-2.5-flash"
PROMPT = "Write about a solar backpack."


async def stream_text(gemini: AsyncClient, chunks: list[str]) -> None:
    async for chunk in await gemini.models.generate_content_stream(model=MODEL, contents=PROMPT):
        chunks.append(chunk.text or "")


@pytest.mark.parametrize(
    ("status", "name"),
    [(400, "INVALID_ARGUMENT"), (403, "PERMISSION_DENIED"), (429, "RESOURCE_EXHAUSTED"), (503, "UNAVAILABLE")],
)
async def test_an_error_status_has_googles_shape_streamed_or_not(
    gemini: AsyncClient, steering: Steering, status: int, name: str
) -> None:
    await steering.rule(fault={"status": status})
    with pytest.raises(errors.APIError) as caught:
        await gemini.models.generate_content(model=MODEL, contents=PROMPT)
    assert (caught.value.code, caught.value.status) == (status, name)
    with pytest.raises(errors.APIError) as caught:
        await stream_text(gemini, [])
    assert (caught.value.code, caught.value.status) == (status, name)


async def test_a_retry_delay_is_in_the_details_and_in_a_header(gemini: AsyncClient, steering: Steering) -> None:
    await steering.rule(fault={"status": 429, "retryDelay": 1.5, "message": "slow down"})
    with pytest.raises(errors.ClientError, match="slow down") as caught:
        await gemini.models.generate_content(model=MODEL, contents=PROMPT)
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"}
    assert caught.value.details["error"]["details"] == [info]
    assert caught.value.response is not None
    assert caught.value.response.headers["retry-after"] == "2"


async def test_a_fault_for_one_call_is_over_at_the_next(gemini: AsyncClient, steering: Steering) -> None:
    await steering.rule(times=1, fault={"status": 500})
    with pytest.raises(errors.ServerError):
        await gemini.models.generate_content(model=MODEL, contents=PROMPT)
    assert (await gemini.models.generate_content(model=MODEL, contents=PROMPT)).text
    assert [call.status for call in await steering.calls()] == ["failed", "completed"]


@pytest.mark.parametrize("after", [0, 2])
async def test_a_broken_stream_ends_in_an_error_after_its_chunks(
    gemini: AsyncClient, steering: Steering, after: int
) -> None:
    await steering.rule(fault={"breakAfterChunks": after})
    chunks: list[str] = []
    with pytest.raises(httpx2.RemoteProtocolError):
        await stream_text(gemini, chunks)
    assert len(chunks) == after
    (call,) = await steering.wait(status="failed")
    assert call.chunks == after


async def test_a_reply_that_is_not_streamed_can_break_too(gemini: AsyncClient, steering: Steering) -> None:
    await steering.rule(fault={"breakAfterChunks": 1})
    with pytest.raises(httpx2.RemoteProtocolError):
        await gemini.models.generate_content(model=MODEL, contents=PROMPT)


@pytest.mark.parametrize(("fault", "reason"), [("truncate", "MAX_TOKENS"), ("invalidJson", "STOP")])
async def test_json_can_be_cut_off_or_broken(gemini: AsyncClient, steering: Steering, fault: str, reason: str) -> None:
    await steering.rule(fault={fault: True})
    schema = {"type": "object", "properties": {"feedback": {"type": "string"}}, "required": ["feedback"]}
    config = types.GenerateContentConfig(response_mime_type="application/json", response_json_schema=schema)
    reply = await gemini.models.generate_content(model=MODEL, contents=PROMPT, config=config)
    assert reply.candidates is not None
    assert reply.candidates[0].finish_reason == types.FinishReason(reason)
    assert reply.text
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.text)


async def test_a_reply_blocked_for_safety_has_no_content(gemini: AsyncClient, steering: Steering) -> None:
    await steering.rule(fault={"safety": True})
    reply = await gemini.models.generate_content(model=MODEL, contents=PROMPT)
    assert reply.candidates is not None
    assert reply.candidates[0].finish_reason == types.FinishReason.SAFETY
    assert reply.candidates[0].content is None


async def test_a_blocked_prompt_has_no_candidates_streamed_or_not(gemini: AsyncClient, steering: Steering) -> None:
    await steering.rule(fault={"promptBlocked": True})
    replies = [await gemini.models.generate_content(model=MODEL, contents=PROMPT)]
    replies += [one async for one in await gemini.models.generate_content_stream(model=MODEL, contents=PROMPT)]
    for reply in replies:
        assert reply.candidates is None
        assert reply.prompt_feedback is not None
        assert reply.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT


async def test_a_call_that_hangs_is_never_answered_but_can_be_given_up(gemini: AsyncClient, steering: Steering) -> None:
    await steering.rule(fault={"hang": True})
    asking = asyncio.create_task(gemini.models.generate_content(model=MODEL, contents=PROMPT))
    await steering.wait(status="running")
    assert not asking.done()
    asking.cancel()
    await steering.wait(status="disconnected")


async def test_a_schema_that_admits_nothing_is_an_invalid_argument(gemini: AsyncClient, steering: Steering) -> None:
    schema = {"type": "integer", "minimum": 3, "maximum": 2}
    config = types.GenerateContentConfig(response_mime_type="application/json", response_json_schema=schema)
    with pytest.raises(errors.ClientError) as caught:
        await gemini.models.generate_content(model=MODEL, contents=PROMPT, config=config)
    assert caught.value.code == 400
    (call,) = await steering.calls()
    assert call.status == "failed"
