"""Who is answered: by key, and where none is needed."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from httpx_sse import aconnect_sse

from penstock import jobs
from penstock.callers import keys
from penstock.callers.keys import Keys
from penstock.contracts.wire import DEFAULT_TENANT, JobName
from penstock.jetstream.bus import Bus
from penstock.settings import Settings
from tests.gateway.raw_http import Start
from tests.support.gateway_process import GatewayServer, serving_gateway
from tests.support.keys import bearer, new_key, told
from tests.support.patience import PATIENCE
from tests.support.replica import Replica

#: An address that is nobody's, which a gateway of a container may be published at.
ELSEWHERE = "192.0.2.1"


def client(replica: Replica) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{replica.port}", timeout=PATIENCE, trust_env=False)


@asynccontextmanager
async def guarded(settings: Settings) -> AsyncIterator[GatewayServer]:
    """One that others reach."""
    async with serving_gateway(settings.model_copy(update={"publish": ELSEWHERE})) as server:
        yield server


async def refused_start(settings: Settings, **more: str) -> str:
    """What a gateway that does not start says."""
    given = {"PENSTOCK_NATS_URL": settings.nats_url, "PENSTOCK_PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "penstock", "serve", "gateway"),
        env=given | more | {"PENSTOCK_LOG_JSON": "false"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        written, said = await process.communicate()
    assert (process.returncode, written) != (0, b"")
    assert b"Traceback" not in said, said
    return said.decode()


async def test_a_gateway_that_others_reach_does_not_start_without_keys(bus: Bus, settings: Settings) -> None:
    """One sentence says what to do. A key that nobody can use is none."""
    revoked = await new_key(bus)
    await Keys(bus).revoke(revoked.key.id)
    await new_key(bus, expires=datetime.now(UTC) - timedelta(seconds=5))
    reached = ({"PENSTOCK_HOST": "0.0.0.0"}, {"PENSTOCK_PUBLISH": ELSEWHERE}, {"PENSTOCK_OPEN": "false"})
    for said in await asyncio.gather(*(refused_start(settings, **more) for more in reached)):
        assert "`penstock keys create NAME`" in said
        assert "PENSTOCK_OPEN=true" in said


async def test_it_starts_with_a_key_or_when_told_to_be_open(bus: Bus, start: Start) -> None:
    async with client(await start(publish=ELSEWHERE, open=True)) as http:
        assert (await http.get("/jobs")).status_code == 200
    made = await new_key(bus)
    async with client(await start(publish=ELSEWHERE)) as http:
        assert (await http.get("/jobs")).status_code == 401
        assert (await http.get("/jobs", headers=bearer(made))).status_code == 200


async def test_a_revocation_reaches_every_gateway(bus: Bus, start: Start) -> None:
    """And so does the first key: from then on it is needed on loopback, too, also when it is revoked."""
    first, second = await start(), await start()
    made = await new_key(bus)
    async with client(first) as one, client(second) as other, asyncio.timeout(PATIENCE):
        for http in (one, other):
            while (await http.get("/jobs")).status_code == 200:
                pass
            assert (await http.get("/jobs", headers=bearer(made))).status_code == 200
        await Keys(bus).revoke(made.key.id)
        for http in (one, other):
            while (await http.get("/jobs", headers=bearer(made))).status_code == 200:
                pass
            assert (await http.get("/jobs")).status_code == 401


async def test_streams_end_with_their_caller_s_key(bus: Bus, start: Start) -> None:
    """They break off, as when a replica goes: whoever comes back is refused. Others go on."""
    replica, made, kept = await start(heartbeat=0.1), await new_key(bus), await new_key(bus)
    job = JobName(DEFAULT_TENANT, jobs.new_job_id())
    await jobs.submit(bus, "routing", job, b'{"query": "hello"}')
    path = f"/jobs/{job.id}/events"
    async with client(replica) as http, asyncio.timeout(PATIENCE):
        async with (
            aconnect_sse(http, "GET", path, headers=bearer(made)) as cut,
            aconnect_sse(http, "GET", path, headers=bearer(kept)) as going_on,
        ):
            assert cut.response.status_code == going_on.response.status_code == 200
            await Keys(bus).revoke(made.key.id)
            with pytest.raises(httpx.RemoteProtocolError):
                [_ async for _ in cut.aiter_sse()]
            assert await anext(going_on.response.aiter_lines())
        assert (await http.get(path, headers=bearer(made))).status_code == 401


async def test_what_is_wrong_with_a_key_is_not_said(bus: Bus, settings: Settings) -> None:
    """Unknown, revoked, expired, mistyped or no key at all: the same answer, to the letter."""
    valid, revoked = await new_key(bus), await new_key(bus)
    expired = await new_key(bus, expires=datetime.now(UTC) - timedelta(seconds=5))
    await Keys(bus).revoke(revoked.key.id)
    unknown = keys.make("x", "default", created=datetime.now(UTC)).text
    wrong = [unknown, revoked.text, expired.text, valid.text[:-1], valid.text[:20] + unknown[20:], "psk_", "é", "x y"]
    given = [[(b"Authorization", f"Bearer {key}".encode())] for key in wrong]
    right = (b"Authorization", f"Bearer {valid.text}".encode())
    given += [[(b"Authorization", f"Basic {valid.text}".encode())], [right, right]]
    async with guarded(settings) as gateway:
        same = (b"X-Request-Id", b"test")
        answers = [await gateway.http.get("/jobs", headers=[*headers, same]) for headers in given]
        first = answers[0]
        assert (first.status_code, first.json()["code"]) == (401, "unauthorized")
        assert first.headers["www-authenticate"] == "Bearer"
        for answer in answers:
            assert told(answer) == told(first)
        for scheme in ("Bearer", "bearer", "BEARER "):
            served = await gateway.http.get("/jobs", headers={"Authorization": f"{scheme} {valid.text}"})
            assert served.status_code == 200


async def test_without_a_key_there_is_nothing_but_health_and_documentation(bus: Bus, settings: Settings) -> None:
    """Not even whether a path, a pattern or a job is there."""
    made = await new_key(bus)
    async with guarded(settings) as gateway:
        for path in ("/", "/livez", "/readyz", "/docs", "/docs/docs.js", "/openapi.json", "/asyncapi.json"):
            assert (await gateway.http.get(path)).status_code == 200, path
        for path in ("/jobs", "/jobs/x", "/patterns", "/nothing", "/livez/x", "/routing/c/stream", "/metrics"):
            assert (await gateway.http.get(path)).status_code == 401, path
        for path in ("/routing", "/nothing", "/jobs/x/retry", "/livez/"):
            assert (await gateway.http.post(path, json={"query": "x"})).status_code == 401, path
        assert (await gateway.http.get("/nothing", headers=bearer(made))).status_code == 404
        assert (await gateway.http.get(f"/jobs?key={made.text}&api_key={made.text}")).status_code == 401


async def test_metrics_are_an_admin_s(bus: Bus, settings: Settings) -> None:
    """They are of all tenants. Where no key is needed, none is."""
    made, admin = await new_key(bus), await new_key(bus, admin=True)
    async with guarded(settings) as gateway:
        refused = await gateway.http.get("/metrics", headers=bearer(made))
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        shown = await gateway.http.get("/metrics", headers=bearer(admin))
        assert "penstock_http_requests" in shown.text
    async with serving_gateway(settings.model_copy(update={"open": True})) as gateway:
        assert (await gateway.http.get("/metrics")).status_code == 200


async def test_an_open_gateway_serves_everybody_but_who_has_a_key_that_is_not_valid(
    bus: Bus, settings: Settings
) -> None:
    """A proxy in front may have credentials of its own."""
    revoked = await new_key(bus)
    await Keys(bus).revoke(revoked.key.id)
    async with serving_gateway(settings.model_copy(update={"open": True, "publish": ELSEWHERE})) as gateway:
        for headers in ({}, bearer("of-a-proxy"), {"Authorization": "Basic eDp5"}):
            assert (await gateway.http.get("/jobs", headers=headers)).status_code == 200
        assert (await gateway.http.get("/jobs", headers=bearer(revoked))).status_code == 401


async def test_a_key_needed_is_in_the_openapi_document(alone: GatewayServer) -> None:
    """Of every operation but those that need none."""
    spec = (await alone.http.get("/openapi.json")).json()
    assert spec["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert {"key": []} in spec["security"]
    for path, operations in spec["paths"].items():
        for operation in operations.values():
            needs_none = path in ("/livez", "/readyz", "/asyncapi.json")
            assert (operation.get("security") == []) is needs_none, path
            assert needs_none or {"401", "403"} <= operation["responses"].keys(), path
