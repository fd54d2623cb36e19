"""The AI SDK's chat: its own transports and message readers, on what the gateway really sends."""

import asyncio
from typing import Any

import httpx
import pytest

from penstock.simulator.wire import Fault, PlannedCall, Reply
from tests.support.gateway_process import GatewayServer
from tests.support.pipeline import Pipeline
from tests.system.real_clients import node
from tests.system.real_clients.bodies import examples

pytestmark = pytest.mark.usefixtures("npm")


async def test_every_pattern_is_a_chat_that_survives_a_reload(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """DefaultChatTransport sends, reconnects while the answer grows, and is told 204 when nothing runs any more."""
    await pipeline.gemini.rule(reply=Reply(hold="reload", hold_before=True))
    patterns = [
        {"name": asked.name, "text": asked.text, "body": asked.rest, "explicit": number % 2 == 0}
        for number, asked in enumerate(examples())
    ]
    async with node.running("chat.mjs", given={"base": gateway.url, "patterns": patterns}) as said:
        assert await anext(said) == {"reconnected": 6}
        await pipeline.gemini.release("reload")
        chats = (await anext(said))["chats"]
        assert [line async for line in said] == []
    assert [chat["name"] for chat in chats] == [asked.name for asked in examples()]
    for chat in chats:
        sent, reconnected = chat["sent"], chat["reconnected"]
        assert sent["message"]["id"] == reconnected["message"]["id"]
        assert by_id(sent["message"]) == by_id(reconnected["message"])
        assert sent["states"] > 2, "the message grows"
        assert chat["after"] is None
        end = await pipeline.end(sent["message"]["id"])
        (result,) = parts(sent["message"], "data-result")
        assert result["data"] == end.result
        steps = parts(sent["message"], "data-step")
        assert {step["data"]["status"] for step in steps} == {"completed"}


async def test_the_hook_sends_and_another_page_resumes(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """useChat in React: a page that is opened while the answer is written has all of it in the end."""
    await pipeline.gemini.rule(step="conclude", reply=Reply(hold="conclude"))
    given = {"api": f"{gateway.url}/multi-step-tool-usage", "id": "chat-1", "text": "What is 15% of 80?"}
    async with node.running("use-chat.mjs", given=given) as said:
        assert await anext(said) == {"begun": True}
        await pipeline.gemini.release("conclude")
        shown = await anext(said)
        assert [line async for line in said] == []
    question, answer = shown["page"]
    assert question["role"] == "user"
    assert by_id(answer) == by_id(shown["reloaded"][-1])
    (result,) = parts(answer, "data-result")
    assert result["data"] == (await pipeline.end(answer["id"])).result
    assert parts(answer, "tool-calculate")[0]["state"] == "output-available"


async def test_every_chunk_is_valid_in_every_version(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """Success, failure, cancel, retries and tool calls of all kinds, through the strict schemas since 5.0.0."""
    recorded = {asked.name: record(gateway.http, asked.name, asked.body) for asked in examples()}
    bodies = dict(zip(recorded, await asyncio.gather(*recorded.values()), strict=True))
    bodies["tools"] = await with_tools(pipeline, gateway)
    bodies["retry"] = await with_retries(pipeline, gateway)
    bodies["failure"] = await with_failure(pipeline, gateway)
    bodies["cancel"] = await with_cancel(pipeline, gateway)
    given = [{"name": name, **body} for name, body in bodies.items()]
    read = await node.run("read-recorded.mjs", given)
    assert len(read) == 6
    for version, found in read.items():
        failed = {name: one["error"] for name, one in found.items() if "error" in one}
        assert not failed, f"ai {version}"
        for name, one in found.items():
            assert one["chunks"] == bodies[name]["body"].count("data: ") - 1, f"ai {version} dropped chunks of {name}"
            assert bool(one["errors"]) == (name == "failure"), f"ai {version}: {one['errors']}"
        tools = {part["toolCallId"]: part for part in found["tools"]["message"]["parts"] if "toolCallId" in part}
        assert [part["state"] for part in tools.values()][:3] == ["output-available", "output-error", "output-error"]
        assert found["cancel"]["message"]["parts"], f"ai {version}"


def by_id(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a message; in which order steps and the result first came depends on who looked when."""
    return sorted(message["parts"], key=lambda part: (part["type"], part.get("id", part.get("toolCallId", ""))))


def parts(message: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [part for part in message["parts"] if part["type"] == kind]


async def record(http: httpx.AsyncClient, pattern: str, body: dict[str, Any]) -> dict[str, Any]:
    """A UI message stream as it came."""
    response = await http.post(f"/{pattern}?protocol=ui-message", json=body)
    assert response.status_code == 200
    assert response.text.endswith("data: [DONE]\n\n")
    return {"headers": dict(response.headers), "body": response.text}


async def with_tools(pipeline: Pipeline, gateway: GatewayServer) -> dict[str, Any]:
    """A call that works, one of a tool that does not exist, one with arguments that do not fit."""
    calls = (
        PlannedCall(name="calculate", args={"expression": "6*7"}),
        PlannedCall(name="conjure", args={"spell": "x"}),
        PlannedCall(name="calculate", args={"expr": "6*7"}),
    )
    await pipeline.gemini.rule(step="think", times=1, reply=Reply(function_calls=calls))
    return await record(gateway.http, "multi-step-tool-usage", {"problem": "What is 6 by 7?"})


async def with_retries(pipeline: Pipeline, gateway: GatewayServer) -> dict[str, Any]:
    """Two attempts that break off after part of their text is out, each with other words."""
    for words in ("First", "Second"):
        reply = Reply(text=f"{words} thoughts. " * 30)
        await pipeline.gemini.rule(step="draft", times=1, reply=reply, fault=Fault(break_after_chunks=3))
    found = await record(gateway.http, "sequential-processing", {"input": "A lantern"})
    assert '"status":"retrying"' in found["body"]
    return found


async def with_failure(pipeline: Pipeline, gateway: GatewayServer) -> dict[str, Any]:
    await pipeline.gemini.rule(step="respond", times=1, fault=Fault(safety=True))
    found = await record(gateway.http, "routing", {"query": "Hello"})
    assert '"type":"error"' in found["body"]
    return found


async def with_cancel(pipeline: Pipeline, gateway: GatewayServer) -> dict[str, Any]:
    await pipeline.gemini.rule(step="respond", reply=Reply(hold="never"))
    recording = asyncio.create_task(record(gateway.http, "routing", {"query": "Good evening"}))
    (call,) = await pipeline.gemini.wait(step="respond", held="never")
    await gateway.http.delete(f"/jobs/{call.job}")
    found = await recording
    assert '"type":"abort"' in found["body"]
    return found
