"""The AI SDK's UI message stream, and the requests of useChat."""

import asyncio
import json
from typing import Any

from penstock.jetstream import subjects
from penstock.patterns import PATTERNS
from penstock.simulator.wire import Fault, PlannedCall, Reply
from tests.gateway import ui_chunks
from tests.support.gateway_process import GatewayServer
from tests.support.naming import named
from tests.support.pipeline import Pipeline
from tests.support.reading import chunks

QUERY = {"query": "Our API answers 502 since the deploy"}


def message(text: str, *, chat: str = "chat-1", **more: Any) -> dict[str, Any]:
    """What DefaultChatTransport posts."""
    said = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": text}]}
    return {"id": chat, "messages": [said], "trigger": "submit-message", "messageId": "m1", **more}


async def test_every_pattern_is_one_message(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """From `start` with the job's id to `finish`; the last `data-result` is the result, all under one id."""

    async def run(name: str, body: dict[str, Any]) -> None:
        found = await chunks(gateway.http, "POST", f"/{name}?protocol=ui-message", json=body)
        ui_chunks.check(found)
        assert [chunk["type"] for chunk in found[:2]] == ["start", "start-step"]
        assert [chunk["type"] for chunk in found[-2:]] == ["finish-step", "finish"]
        results = [chunk for chunk in found if chunk["type"] == "data-result"]
        assert {chunk["id"] for chunk in results} == {"result"}
        assert results[-1]["data"] == (await pipeline.end(found[0]["messageId"])).result
        steps = {chunk["id"]: chunk["data"]["status"] for chunk in found if chunk["type"] == "data-step"}
        assert set(steps.values()) == {"completed"}

    examples = [(p.name, p.example.model_dump(mode="json", by_alias=True)) for p in PATTERNS]
    await asyncio.gather(*(run(name, body) for name, body in examples))


async def test_tool_calls_are_shown_with_input_and_output(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """As the model made them, including those that fit no tool."""
    asked = [
        PlannedCall(name="calculate", args={"expression": "6*7"}),
        PlannedCall(name="conjure", args={"spell": "x"}),
        PlannedCall(name="calculate", args={"expr": "6*7"}),
    ]
    await pipeline.gemini.rule(step="think", times=1, reply=Reply(function_calls=tuple(asked)))
    found = await chunks(
        gateway.http, "POST", "/multi-step-tool-usage?protocol=ui-message", json={"problem": "6 by 7?"}
    )
    ui_chunks.check(found)
    called = [chunk for chunk in found if chunk["type"] == "tool-input-available"]
    assert [(chunk["toolName"], chunk["input"]) for chunk in called[:3]] == [(call.name, call.args) for call in asked]
    answers = {c["toolCallId"]: c for c in found if c["type"].startswith("tool-output")}
    first, second, third = (answers[chunk["toolCallId"]] for chunk in called[:3])
    assert first["output"]["result"] == "42"
    assert "no tool" in second["errorText"]
    assert "arguments do not fit" in third["errorText"]


async def test_a_failed_job_is_an_error_and_a_cancelled_one_an_abort(
    pipeline: Pipeline, gateway: GatewayServer
) -> None:
    """Both end the stream in the protocol's own words."""
    await pipeline.gemini.rule(step="classify", fault=Fault(safety=True))
    found = await chunks(gateway.http, "POST", "/routing?protocol=ui-message", json=QUERY)
    ui_chunks.check(found)
    assert found[-1]["errorText"].startswith("model_blocked: ")
    await pipeline.gemini.clear()
    await pipeline.gemini.rule(step="classify", reply=Reply(hold="never"))
    job = await pipeline.submit("routing", QUERY)
    await pipeline.gemini.wait(step="classify", held="never")
    await gateway.http.delete(f"/jobs/{job}")
    found = await chunks(gateway.http, "GET", f"/jobs/{job}/stream?protocol=ui-message")
    ui_chunks.check(found)
    assert found[-1] == {"type": "abort"}


async def test_a_chat_posts_messages_and_reconnects_on_any_replica(
    pipeline: Pipeline, gateway: GatewayServer, second: GatewayServer
) -> None:
    """The last user message is the input; the body alone says which protocol is meant; 204 when all is said."""
    await pipeline.gemini.rule(step="respond", reply=Reply(hold="respond"))
    chat = "chats/are named äs they like"
    path = "/routing/chats%2Fare%20named%20%C3%A4s%20they%20like/stream"
    assert (await second.http.get(path)).status_code == 204
    posting = asyncio.create_task(chunks(gateway.http, "POST", "/routing", json=message("The API is down", chat=chat)))
    (call,) = await pipeline.gemini.wait(step="respond", held="respond")
    assert "The API is down" in call.prompt
    reconnecting = asyncio.create_task(chunks(second.http, "GET", path))
    await pipeline.gemini.release("respond")
    posted, replayed = await posting, await reconnecting
    assert posted[0] == replayed[0] == {"type": "start", "messageId": call.job}
    assert posted[-3] == replayed[-3]
    assert (await second.http.get(path)).status_code == 204
    assert (await second.http.get(path.replace("routing", "sequential-processing"))).status_code == 204


async def test_further_fields_come_beside_the_messages(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """What a pattern needs beyond its text is put into the transport's `body`."""
    body = message("Good morning", targetLanguage="German", domain="greetings")
    found = await chunks(gateway.http, "POST", "/evaluator-optimizer?protocol=ui-message", json=body)
    assert found[-3]["data"]["originalText"] == "Good morning"


async def test_a_chat_without_words_is_refused(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """The pointer names the place in the body that was sent."""
    for messages, pointer in (
        ([], "/messages"),
        ([{"role": "assistant", "parts": []}], "/messages"),
        ([{"role": "user", "parts": [{"type": "file"}]}], "/messages/0/parts"),
        ([{"role": "user"}], "/messages/0/parts"),
        ([7, None], "/messages"),
    ):
        refused = await gateway.http.post("/routing", json={"id": "c", "messages": messages})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    unknown = await gateway.http.post("/routing", json=message("hi", colour="red"))
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/colour")


async def test_what_a_snapshot_showed_stays_shown(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """The job's first events are gone: what they said comes at once, and is part of each later state."""
    await pipeline.gemini.rule(step="respond", reply=Reply(hold="respond", hold_before=True))
    job = await pipeline.submit("routing", {"query": "Our API answers 502 since the deploy"})
    await pipeline.gemini.wait(step="respond", held="respond")
    history = pipeline.bus.history(subjects.events(named(job)))
    last = [stored.sequence async for stored in history if b"step.completed" in stored.data][-1]
    await pipeline.bus.jetstream.purge_stream(subjects.EVENTS, seq=last)
    shown = []
    async with gateway.http.stream("GET", f"/jobs/{job}/stream?protocol=ui-message") as response:
        async for line in response.aiter_lines():
            if line.startswith("data: {") and (chunk := json.loads(line[6:]))["type"] == "data-result":
                shown.append(chunk["data"])
                await pipeline.gemini.release("respond")
    assert len(shown) > 1
    assert all("classification" in state for state in shown)
