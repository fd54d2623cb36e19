"""Submitting without waiting, and submitting once."""

import asyncio
from typing import Any

import httpx
import pytest

from penstock.jetstream.bus import Bus
from penstock.simulator.wire import Fault, Reply
from tests.support.gateway_process import GatewayServer
from tests.support.pipeline import Pipeline
from tests.support.reading import sse

QUERY = {"query": "Our API answers 502 since the deploy"}
ASYNC = {"Prefer": "respond-async"}


async def test_respond_async_says_where_to_look(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """202 at once, while the model has not said a word."""
    await pipeline.gemini.rule(step="classify", reply=Reply(hold="classify", hold_before=True))
    accepted = await gateway.http.post("/routing", json=QUERY, headers=ASYNC)
    assert accepted.status_code == 202
    assert accepted.headers["preference-applied"] == "respond-async"
    assert accepted.headers["location"] == f"/jobs/{accepted.headers['x-job-id']}"
    assert accepted.json()["status"] in ("queued", "running")
    await pipeline.gemini.release("classify")
    result = await pipeline.result(accepted.json()["id"])
    state = (await gateway.http.get(accepted.headers["location"])).json()
    assert (state["status"], state["result"]) == ("completed", result)
    assert {step["key"] for step in state["steps"]} == {"classify-1", "respond-1"}


async def test_wait_brings_the_result_itself(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """200 with the result if it is there in time, its problem if the job failed, else 202."""
    done = await gateway.http.post("/routing", json=QUERY, headers={"Prefer": "wait=30, respond-async"})
    assert done.status_code == 200
    assert done.json() == (await pipeline.end(done.headers["x-job-id"])).result
    await pipeline.gemini.rule(step="respond", fault=Fault(safety=True))
    failed = await gateway.http.post("/routing", json=QUERY, headers={"Prefer": "respond-async, wait=900"})
    assert (failed.status_code, failed.json()["code"]) == (502, "model_blocked")
    assert failed.headers["preference-applied"] == "respond-async, wait=60"


async def test_a_wait_ends_when_the_replica_does(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """The caller is told where to look, rather than nothing."""
    await pipeline.gemini.rule(step="classify", reply=Reply(hold="classify", hold_before=True))
    headers = {"Prefer": "respond-async, wait=60"}
    waiting = asyncio.create_task(gateway.http.post("/routing", json=QUERY, headers=headers))
    await pipeline.gemini.wait(step="classify", held="classify")
    gateway.begin_draining()
    accepted = await waiting
    assert accepted.status_code == 202
    await pipeline.gemini.release("classify")
    await pipeline.result(accepted.json()["id"])


async def test_the_same_key_is_the_same_job(pipeline: Pipeline, gateway: GatewayServer, second: GatewayServer) -> None:
    """Quoted or bare, on any replica, at the same time or when it is done, however the body is spelled."""
    keyed = {"Idempotency-Key": '"order-1"'}
    first, again = await asyncio.gather(
        gateway.http.post("/routing", json=QUERY, headers=keyed),
        second.http.post("/routing", json={**QUERY, "options": {}}, headers={"Idempotency-Key": "order-1"}),
    )
    assert first.headers["x-job-id"] == again.headers["x-job-id"]
    assert first.json() == again.json()
    finished = await gateway.http.post("/routing", json=QUERY, headers=keyed)
    assert finished.json() == first.json()
    events = await sse(
        second.http, "/routing", method="POST", json=QUERY, headers={**keyed, "Accept": "text/event-stream"}
    )
    assert (events[0].event, events[-1].event) == ("job.accepted", "job.completed")
    delivered = await gateway.http.post("/routing", json=QUERY, headers={**keyed, **ASYNC})
    assert (delivered.status_code, delivered.json()) == (200, first.json())
    assert len(await pipeline.gemini.calls(step="respond")) == 1


async def test_the_same_key_for_something_else_is_refused(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """Keys belong to a route: another route's is another job."""
    keyed = {"Idempotency-Key": "k", **ASYNC}
    job = (await gateway.http.post("/routing", json=QUERY, headers=keyed)).headers["x-job-id"]
    other = await gateway.http.post("/routing", json={"query": "Something else"}, headers=keyed)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    elsewhere = await gateway.http.post("/parallel-processing", json={"code": "x = 1"}, headers=keyed)
    assert elsewhere.status_code == 202
    for one in (job, elsewhere.headers["x-job-id"]):
        await pipeline.events(one)


@pytest.mark.parametrize("key", ['""', '"', "a b", "é", '"a" "b"', "x" * 256, "a,b", '"\\x"'])
async def test_bad_keys_are_refused(alone: GatewayServer, bus: Bus, key: str) -> None:
    """Before anything is submitted."""
    headers: Any = {"Idempotency-Key": key.encode()}
    refused = await alone.http.post("/routing", json=QUERY, headers=headers)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/header/Idempotency-Key")
    assert not await bus.last_from_any_replica(["jobs.>"])


async def test_cancelling_ends_the_running_model_call(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """The simulator sees the connection close; the streams end with the job."""
    await pipeline.gemini.rule(step="respond", reply=Reply(hold="respond"))
    posting = asyncio.create_task(
        sse(gateway.http, "/routing", method="POST", json=QUERY, headers={"Accept": "text/event-stream"})
    )
    (call,) = await pipeline.gemini.wait(step="respond", held="respond")
    cancelled = await gateway.http.delete(f"/jobs/{call.job}")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    await pipeline.gemini.wait(step="respond", status="disconnected")
    assert (await posting)[-1].event == "job.cancelled"
    again = await gateway.http.get(f"/jobs/{call.job}/stream")
    assert (again.status_code, again.json()["code"]) == (409, "job_cancelled")


async def test_a_late_cancel_changes_nothing(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """What is finished stays finished."""
    done = await gateway.http.post("/routing", json=QUERY)
    job = done.headers["x-job-id"]
    late = await gateway.http.delete(f"/jobs/{job}")
    assert (late.status_code, late.json()["status"], late.json()["result"]) == (200, "completed", done.json())
    assert (await sse(gateway.http, f"/jobs/{job}/events"))[-1].event == "job.completed"


async def test_unknown_jobs_are_not_found(alone: GatewayServer) -> None:
    """Also those that no job can be called."""
    for job in ("none", "a.b", "x" * 65, "%00", "a*", "%E4", "..%2F"):
        for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/events"), ("GET", "/stream")):
            response: httpx.Response = await alone.http.request(method, f"/jobs/{job}{path}")
            assert response.status_code == 404, (job, path)
            assert response.headers["content-type"] == "application/problem+json"
