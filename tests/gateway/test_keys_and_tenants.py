"""A tenant's jobs are nobody else's: in no route, format or list. An admin's key sees all."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from penstock import jobs
from penstock.callers.caller import Limits
from penstock.client import HttpClient
from tests.support.gateway_process import GatewayServer, serving_gateway
from tests.support.keys import bearer, new_key, told
from tests.support.pipeline import Pipeline
from tests.support.reading import sse

QUERY = {"query": "Our API answers 502 since the deploy"}
CHAT = {"id": "chat-1", "messages": [{"role": "user", "parts": [{"type": "text", "text": "Our API is down"}]}]}
#: What a job's stream may be asked for as.
FORMATS: list[dict[str, Any]] = [
    {},
    {"headers": {"Accept": "text/event-stream"}},
    {"params": {"protocol": "ui-message"}},
    {"params": {"protocol": "json"}},
    {"headers": {"Last-Event-ID": "1"}},
]


@pytest.fixture
async def gateway(pipeline: Pipeline) -> AsyncIterator[GatewayServer]:
    await new_key(pipeline.bus)
    async with serving_gateway(pipeline.settings.model_copy(update={"publish": "192.0.2.1"})) as server:
        yield server


async def caller(pipeline: Pipeline, gateway: GatewayServer, tenant: str, **more: Any) -> httpx.AsyncClient:
    made = await new_key(pipeline.bus, tenant, limits=Limits(rate="none"), **more)
    while (await gateway.http.get("/jobs", headers=bearer(made))).status_code == 401:
        pass
    headers = {**bearer(made), "X-Request-Id": "test"}
    return httpx.AsyncClient(base_url=gateway.url, headers=headers, timeout=60, trust_env=False)


async def submitted(http: httpx.AsyncClient, *, wait: int = 0, **headers: str) -> str:
    """The id of a job; with `wait` it has ended."""
    prefer = {"Prefer": f"respond-async, wait={wait}"}
    answer = await http.post("/routing", json=QUERY, headers=prefer | headers)
    assert answer.status_code == (200 if wait else 202), answer.text
    return str(answer.headers["x-job-id"])


async def listed(http: httpx.AsyncClient, **query: str) -> list[str]:
    return [job["id"] for job in (await http.get("/jobs", params=query)).raise_for_status().json()["jobs"]]


async def answers(http: httpx.AsyncClient, job: str) -> list[Any]:
    """All that every route about a job answers for this one, but the date; with its id as `JOB`."""
    spec = (await http.get("/openapi.json")).json()
    asked = [(path, method.upper()) for path, ways in spec["paths"].items() if "{job}" in path for method in ways]
    assert len(asked) >= 6
    found = []
    for path, method in [*asked, *((path, "HEAD") for path, method in asked if method == "GET")]:
        for form in FORMATS if path.endswith("/stream") else FORMATS[:2]:
            target = path.replace("{job}", job).replace("{signal}", "approval").replace("{key}", "classify-1")
            body = {"approved": True} if method == "POST" else None
            answer = await http.request(method, target, json=body, **form)
            status, headers, text = told(answer)
            found.append((path, method, status, headers, text.replace(job, "JOB")))
    return found


async def test_another_tenant_s_job_is_one_that_there_is_not(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """By status, headers and text, whatever is asked of it; and nothing of it has happened."""
    async with (
        await caller(pipeline, gateway, "acme") as owner,
        await caller(pipeline, gateway, "other") as other,
    ):
        ended = await submitted(owner, wait=60)
        await pipeline.stop("aggregator")
        queued = await submitted(owner)
        none = await answers(other, jobs.new_job_id())
        assert {status for _, _, status, _, _ in none} == {404}
        for job in (ended, queued):
            assert await answers(other, job) == none
        for job in (f"acme.{ended}", f"*.{ended}", "*", ">"):
            assert {status for _, _, status, _, _ in await answers(other, job)} == {404}
        assert (await owner.get(f"/jobs/{ended}")).json()["status"] == "completed"
        assert (await owner.get(f"/jobs/{queued}")).json()["status"] == "queued"


async def test_lists_keys_and_chats_are_a_tenant_s_own(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """Keys of one tenant share them."""
    async with (
        await caller(pipeline, gateway, "acme") as owner,
        await caller(pipeline, gateway, "acme") as colleague,
        await caller(pipeline, gateway, "other") as other,
    ):
        first = await submitted(owner, wait=60, **{"Idempotency-Key": "order-1"})
        assert await submitted(colleague, wait=60, **{"Idempotency-Key": "order-1"}) == first
        theirs = await submitted(other, wait=60, **{"Idempotency-Key": "order-1"})
        assert theirs != first
        assert await listed(owner) == await listed(colleague) == [first]
        assert await listed(other) == [theirs]
        assert await listed(other, tenant="other") == [theirs]
        await pipeline.stop("aggregator")
        async with owner.stream("POST", "/routing", json=CHAT) as begun:
            assert begun.status_code == 200
        async with colleague.stream("GET", "/routing/chat-1/stream") as same:
            assert same.headers["x-job-id"] == begun.headers["x-job-id"]
        assert (await other.get("/routing/chat-1/stream")).status_code == 204


async def test_whether_a_tenant_exists_is_not_said_either(pipeline: Pipeline, gateway: GatewayServer) -> None:
    async with await caller(pipeline, gateway, "acme") as owner, await caller(pipeline, gateway, "other") as other:
        job = await submitted(owner, wait=60)
        refused = [
            await other.get(path, params={"tenant": tenant})
            for path in ("/jobs", f"/jobs/{job}", "/jobs/none", f"/jobs/{job}/events")
            for tenant in ("acme", "nobody")
        ]
        assert {answer.status_code for answer in refused} == {403}
        for real, unreal in zip(refused[::2], refused[1::2], strict=True):
            assert told(real) == told(unreal)
        assert refused[0].json()["code"] == "forbidden"
        assert (await other.get("/jobs", params={"tenant": "A.*"})).status_code == 400


async def test_an_admin_sees_all_tenants(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """Lists them, together or one; looks at, follows, retries and cancels any job; and submits its own."""
    async with (
        await caller(pipeline, gateway, "acme") as owner,
        await caller(pipeline, gateway, "operations", admin=True) as admin,
    ):
        job = await submitted(owner, wait=60)
        own = await submitted(admin, wait=60)
        summaries = (await admin.get("/jobs")).json()["jobs"]
        assert [(one["id"], one["tenant"]) for one in summaries] == [(own, "operations"), (job, "acme")]
        assert await listed(admin, tenant="acme") == [job]
        assert await listed(owner) == [job]
        assert "tenant" not in (await owner.get("/jobs")).json()["jobs"][0]
        assert (await admin.get(f"/jobs/{job}")).json() == (await owner.get(f"/jobs/{job}")).json()
        assert (await admin.get(f"/jobs/{job}", params={"tenant": "operations"})).status_code == 404
        assert (await sse(admin, f"/jobs/{job}/events"))[-1].event == "job.completed"
        await pipeline.stop("aggregator")
        queued = await submitted(owner)
        assert (await admin.delete(f"/jobs/{queued}")).json()["status"] == "cancelled"
        again = (await admin.post(f"/jobs/{queued}/retry")).json()["id"]
        assert (await owner.get(f"/jobs/{again}")).json()["status"] == "queued"
        async with HttpClient(gateway.url, api_key=admin.headers["Authorization"].partition(" ")[2]) as client:
            assert [one.id async for one in client.jobs(tenant="operations")] == [own]
            assert {one.tenant async for one in client.jobs()} == {"acme", "operations"}
            assert (await client.state(job)).status == "completed"
        assert (await admin.get("/jobs/nothing")).json()["code"] == "unknown_job"
