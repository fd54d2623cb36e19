"""The AI SDK's readers of JSON text that grows: the hook useObject, and the parser beneath it."""

import asyncio
import re

import pytest

from penstock.simulator.wire import Fault, Pace, Reply
from tests.support.gateway_process import GatewayServer
from tests.support.pipeline import Pipeline
from tests.system.real_clients import node
from tests.system.real_clients.bodies import examples

pytestmark = pytest.mark.usefixtures("npm")

NOT_WITHIN_ESCAPES = "5.0.277"
WITHIN_ESCAPE = re.compile(r"\\u[0-9a-f]{0,3}\Z")
#: All that has to be escaped in JSON, or is more than one code unit or byte.
AWKWARD = 'Quote " backslash \\ slash / line\nend\ttab \u0001\u001f é € 🙂 \u2028\u0085 </script> \\u0041 {"a": [1'


async def test_the_hook_shows_every_result_while_it_grows(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """useObject in React, with the schema that the gateway serves; what it showed is never taken back."""
    await pipeline.gemini.rule(reply=Reply(pace=Pace(ttft=0, tokens_per_second=300)))
    patterns = [
        {"name": asked.name, "body": asked.body, "headers": {"Idempotency-Key": asked.name}} for asked in examples()
    ]
    found = await node.run("use-object.mjs", {"base": gateway.url, "patterns": patterns})
    for one, asked in zip(found, examples(), strict=True):
        assert one.get("error") is None
        assert one.get("invalid") is None
        assert one["wrong"] == []
        assert one["shown"] > 5, "it grows in public"
        again = await gateway.http.post(f"/{asked.name}", json=asked.body, headers={"Idempotency-Key": asked.name})
        assert one["object"] == one["last"] == again.json()


async def test_the_hook_reports_what_breaks_off(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """A job that fails, and a retry of what is shown already, are errors to it: never a finished object."""
    await pipeline.gemini.rule(step="respond", fault=Fault(safety=True))
    for number in ("First", "Second"):
        fault = Fault(break_after_chunks=3) if number == "First" else None
        await pipeline.gemini.rule(step="draft", times=1, reply=Reply(text=f"{number} thoughts. " * 30), fault=fault)
    patterns = [
        {"name": "routing", "body": {"query": "Hello"}},
        {"name": "sequential-processing", "body": {"input": "A lantern"}},
        {"name": "sequential-processing", "body": {"input": ""}},
    ]
    failed, diverged, refused = await node.run("use-object.mjs", {"base": gateway.url, "patterns": patterns})
    for one in (failed, diverged, refused):
        assert one["error"], one
        assert "object" not in one
    assert failed["last"]["classification"]
    assert diverged["last"]["originalContent"].startswith("First")
    assert '"pointer":"/input"' in refused["error"]


async def test_every_prefix_is_read_and_nothing_is_taken_back(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """parsePartialJson of every major version, wherever the text is cut off.

    Those of 5.0 (and 6.0.0) do not read a text that ends within `\\u001f`: the gateway
    never ends a piece there, so it takes a packet's end at that very place, and lasts until the next.
    """
    await pipeline.gemini.rule(step="draft", reply=Reply(text=AWKWARD))
    await pipeline.gemini.rule(step="respond", reply=Reply(merge={"response": AWKWARD}))
    requests = [*((asked.name, asked.body) for asked in examples())]
    responses = await asyncio.gather(*(gateway.http.post(f"/{name}", json=body) for name, body in requests))
    assert AWKWARD in {response.json().get("originalContent") for response in responses}
    texts = [{"name": name, "text": answer.text} for (name, _), answer in zip(requests, responses, strict=True)]
    found = await node.run("prefixes.mjs", texts)
    assert len(found) == 3
    for version, one in found.items():
        wrong = [it for it in one["wrong"] if version != NOT_WITHIN_ESCAPES or not WITHIN_ESCAPE.search(it["end"])]
        assert wrong == [], f"ai {version}"
        assert one["states"]["successful-parse"] >= len(texts)
        assert sum(one["states"].values()) == sum(len(text["text"].encode("utf-16-le")) // 2 for text in texts)
