"""The default format: the result as one JSON text that grows and is never taken back."""

import json

import pytest

from penstock.simulator.wire import Fault, Reply
from tests.patterns.reviews import copy_review
from tests.support.gateway_process import GatewayServer
from tests.support.pipeline import Pipeline
from tests.support.reading import broken_body, json_text

WEAK = copy_review(3, "Too thin.", "Say more.")


async def test_the_body_parses_to_exactly_the_result(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """What was streamed is the job's result, with the headers of the seed."""
    response = await gateway.http.post("/routing", json={"query": "Our API answers 502 since the deploy"})
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.json() == (await pipeline.end(response.headers["x-job-id"])).result


async def test_the_first_words_of_the_draft_come_before_the_draft_is_done(
    pipeline: Pipeline, gateway: GatewayServer
) -> None:
    """The caller reads the first step while it is being written, the evaluation before the improvement."""
    await pipeline.gemini.rule(step="draft", reply=Reply(text="A lantern that lasts. " * 40, hold="draft"))
    await pipeline.gemini.rule(step="evaluate", times=1, reply=Reply(value=WEAK))
    await pipeline.gemini.rule(step="improve", reply=Reply(hold="improve", hold_before=True))
    async with json_text(gateway.http, "/sequential-processing", {"input": "A lantern"}) as (_, pieces):
        text = ""
        while "lantern" not in text:
            text += await anext(pieces)
        assert text.startswith('{"originalContent":"A lantern')
        await pipeline.gemini.wait(step="draft", held="draft")
        await pipeline.gemini.release("draft")
        while "Say more." not in text:
            text += await anext(pieces)
        await pipeline.gemini.wait(step="improve", held="improve")
        assert "improvedContent" not in text
        await pipeline.gemini.release("improve")
        text += "".join([piece async for piece in pieces])
    assert json.loads(text)["improvedContent"]


async def test_a_retry_of_what_waits_for_its_turn_is_not_seen(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """The second review breaks off while the first one is still being written: nobody has been sent anything of it."""
    await pipeline.gemini.rule(step="review-security", reply=Reply(hold="security"))
    await pipeline.gemini.rule(step="review-performance", times=1, fault=Fault(break_after_chunks=3))
    async with json_text(gateway.http, "/parallel-processing", {"code": "x = 1"}) as (job, pieces):
        await pipeline.gemini.wait(step="review-performance", count=2)
        await pipeline.gemini.release("security")
        text = "".join([piece async for piece in pieces])
    assert json.loads(text) == (await pipeline.end(job)).result


async def test_a_retry_of_what_is_sent_breaks_the_body_at_once(
    pipeline: Pipeline, gateway: GatewayServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Before a word of the second attempt is there; the job goes on and can be fetched."""
    await pipeline.gemini.rule(
        step="draft", times=1, reply=Reply(text="First thoughts. " * 30), fault=Fault(break_after_chunks=3)
    )
    await pipeline.gemini.rule(
        step="draft", reply=Reply(text="Second thoughts. " * 30, hold="second", hold_before=True)
    )
    job = await broken_body(gateway.http, "/sequential-processing", {"input": "Thoughts"})
    await pipeline.gemini.release("second")
    assert (await pipeline.result(job))["originalContent"].startswith("Second")
    complete = (await gateway.http.get(f"/jobs/{job}/stream")).json()
    assert complete == (await pipeline.end(job)).result
    assert not [record for record in caplog.records if record.name.startswith("uvicorn")]


async def test_a_job_that_fails_breaks_the_body(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """No client can take half a result for a whole one; asked again, the job answers with its problem."""
    await pipeline.gemini.rule(step="respond", fault=Fault(safety=True))
    job = await broken_body(gateway.http, "/routing", {"query": "Hello"})
    again = await gateway.http.get(f"/jobs/{job}/stream")
    assert (again.status_code, again.json()["code"]) == (502, "model_blocked")
    assert again.headers["content-type"] == "application/problem+json"
    assert again.json()["instance"] == f"/jobs/{job}"
