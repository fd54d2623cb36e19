"""`GET /jobs/<id>/steps/<key>`: what a step was given, and what its model was asked, as it was."""

import asyncio
from typing import Any

from penstock.contracts.asked import AskedPrompt, AskedStep
from penstock.contracts.turns import TextPiece
from penstock.patterns import PATTERNS
from penstock.simulator.wire import Fault, PlannedCall, Reply
from tests.support.gateway_process import GatewayServer
from tests.support.pipeline import Pipeline

QUERY = {"query": "Our API answers 502"}
#: Characters of a prompt that the simulator keeps.
KEPT = 4_000


async def asked(gateway: GatewayServer, job: str, key: str) -> AskedStep:
    answer = (await gateway.http.get(f"/jobs/{job}/steps/{key}")).raise_for_status()
    return AskedStep.model_validate_json(answer.content)


async def refused(gateway: GatewayServer, job: str, key: str) -> tuple[int, str]:
    answer = await gateway.http.get(f"/jobs/{job}/steps/{key}")
    return answer.status_code, answer.json()["code"]


def text_of(prompt: AskedPrompt) -> str:
    """As the simulator tells of what it was asked: all text, the system's first."""
    parts = [part.text for turn in prompt.turns for part in turn.parts if isinstance(part, TextPiece)]
    return "\n".join(text for text in (prompt.system, *parts) if text)


async def test_each_prompt_is_the_one_that_the_model_was_sent(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """Of every step of every pattern, from its example. The output is the journal's; nothing has changed."""

    async def check(name: str, body: dict[str, Any]) -> None:
        job = await pipeline.submit(name, body)
        await pipeline.result(job)
        outcomes = await pipeline.outcomes(job)
        assert outcomes
        for key, outcome in outcomes.items():
            found = await asked(gateway, job, key)
            assert (found.key, found.pattern, found.step) == (key, name, outcome.step)
            assert (found.changed, found.why) == (False, None), key
            assert found.input, key
            assert (found.output, found.attempt) == (outcome.value, 1)
            calls = await pipeline.gemini.calls(job=job, key=key)
            if not calls:
                assert found.prompt is None
                continue
            assert found.prompt is not None
            assert (found.prompt.by_code, found.prompt.changed) == (False, False)
            assert text_of(found.prompt)[:KEPT] == calls[0].prompt, key

    examples = [(p.name, p.example.model_dump(mode="json", by_alias=True)) for p in PATTERNS]
    await asyncio.gather(*(check(name, body) for name, body in examples))


async def test_a_turn_has_its_tool_calls_and_their_answers(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """Each is a step of its own, with its arguments for an input; one that fits no tool is none."""
    calls = (
        PlannedCall(name="calculate", args={"expression": "6*7"}),
        PlannedCall(name="conjure", args={"spell": "x"}),
    )
    await pipeline.gemini.rule(step="think", times=1, reply=Reply(function_calls=calls))
    job = await pipeline.submit("multi-step-tool-usage", {"problem": "6 by 7?"})
    await pipeline.result(job)
    first, second = (await asked(gateway, job, "think-1")).tools
    assert (first.key, first.name, first.args) == ("call-1-1", "calculate", {"expression": "6*7"})
    assert first.output["result"] == "42"
    assert (second.key, second.name, second.output, second.failure) == ("call-1-2", "conjure", None, None)
    call = await asked(gateway, job, "call-1-1")
    assert (call.input, call.output) == ({"expression": "6*7"}, first.output)
    assert await refused(gateway, job, "call-1-2") == (404, "unknown_step")
    prompt = (await asked(gateway, job, "think-2")).prompt
    assert prompt is not None
    assert [turn.role for turn in prompt.turns] == ["user", "model", "user"]


async def test_a_step_at_work_is_shown_and_one_that_is_not_asked_for_is_unknown(
    pipeline: Pipeline, gateway: GatewayServer
) -> None:
    await pipeline.gemini.rule(step="classify", reply={"hold": "classify"})
    job = await pipeline.submit("routing", QUERY)
    await pipeline.gemini.wait(step="classify", held="classify")
    found = await asked(gateway, job, "classify-1")
    assert (found.input, found.attempt, found.output) == (QUERY, None, None)
    assert found.prompt is not None
    for key in ("respond-1", "nothing", "start", "end"):
        assert await refused(gateway, job, key) == (404, "unknown_step"), key
    assert await refused(gateway, "nobody", "classify-1") == (404, "unknown_job")
    await gateway.http.delete(f"/jobs/{job}")
    ended = await asked(gateway, job, "classify-1")
    assert (ended.input, ended.output) == (QUERY, None)


async def test_a_failed_step_has_its_failure_and_a_later_try_what_it_inherits(
    pipeline: Pipeline, gateway: GatewayServer
) -> None:
    await pipeline.gemini.rule(step="respond", times=1, fault=Fault(status=400))
    job = await pipeline.submit("routing", QUERY)
    await pipeline.failure(job)
    failed = await asked(gateway, job, "respond-1")
    assert failed.failure is not None
    assert (failed.failure.code, failed.output) == ("model_rejected", None)
    again = (await gateway.http.post(f"/jobs/{job}/retry")).json()["id"]
    await pipeline.result(again)
    for key in ("classify-1", "respond-1"):
        assert (await asked(gateway, again, key)).input == (await asked(gateway, job, key)).input
