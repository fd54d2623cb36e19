"""Cancelling: what runs is stopped, what has ended stays as it is, and of a race there is one winner for all."""

import asyncio
from random import Random

import httpx

from penstock.simulator.wire import Pace, Reply
from tests.support.gateway_process import GatewayServer, serving_gateway
from tests.support.pipeline import Pipeline
from tests.support.reading import sse

JOBS = 40
CODE = {"code": "def f(x): return x / 0"}
STEPS = ("review-security", "review-performance", "review-maintainability")


async def test_every_running_call_is_closed(pipeline: Pipeline) -> None:
    """Three reviewers are writing when the job is cancelled: the model sees all three connections close."""
    for step in STEPS:
        await pipeline.gemini.rule(step=step, reply=Reply(hold="never"))
    async with serving_gateway(pipeline.settings) as gateway:
        job = await pipeline.submit("parallel-processing", CODE)
        await pipeline.gemini.wait(job=job, held="never", count=3)
        state = (await gateway.http.delete(f"/jobs/{job}")).json()
        assert state["status"] == "cancelled"
        closed = await pipeline.gemini.wait(job=job, status="disconnected", count=3)
        assert {call.step for call in closed} == set(STEPS)
        events = [event.event for event in await sse(gateway.http, f"/jobs/{job}/events")]
        assert events[-1] == "job.cancelled"
        assert not await pipeline.gemini.calls(job=job, step="synthesize")


async def test_a_race_between_result_and_cancel_has_one_winner(pipeline: Pipeline) -> None:
    """Cancelled after any event, up to the last: all who ask are told the same, for ever."""
    await pipeline.gemini.rule(step="respond", reply=Reply(pace=Pace(tokens_per_second=400)))
    async with serving_gateway(pipeline.settings) as gateway:
        ends = await asyncio.gather(*(cancelled_at_random(pipeline, gateway, number) for number in range(JOBS)))
    assert set(ends) == {"completed", "cancelled"}, "no race at all"


async def cancelled_at_random(pipeline: Pipeline, gateway: GatewayServer, number: int) -> str:
    """Cancel a job once a reader has seen so many of its events; how it ended."""
    http, random = gateway.http, Random(number)
    job = await pipeline.submit("routing", {"query": f"Error {number}"})
    path = f"/jobs/{job}/events"
    cancel = asyncio.create_task(delete_after(http, path, random.randrange(2, 40), f"/jobs/{job}"))
    found = await sse(http, path)
    answered = await cancel
    status = answered["status"]
    assert [event.event for event in found if event.event in ENDS] == [f"job.{status}"]
    for _ in range(2):
        state = (await http.delete(f"/jobs/{job}")).json()
        assert (state["status"], state.get("result")) == (status, answered.get("result"))
    assert (await pipeline.end(job)).status == status
    final = await http.get(f"/jobs/{job}/stream")
    assert final.status_code == (200 if status == "completed" else 409)
    if status == "completed":
        assert final.json() == answered["result"] == found[-1].json()["result"]
    return str(status)


ENDS = ("job.completed", "job.failed", "job.cancelled")


async def delete_after(http: httpx.AsyncClient, path: str, count: int, job: str) -> dict[str, object]:
    """The answer to a cancel that is sent after so many events, or at the end."""
    seen = 0
    async with http.stream("GET", path) as response:
        async for line in response.aiter_lines():
            seen += line.startswith("event: ")
            if seen >= count:
                break
    answer: dict[str, object] = (await http.delete(job)).json()
    return answer
