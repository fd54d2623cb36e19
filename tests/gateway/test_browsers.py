"""Pages of other origins: what they may do where a setting names them, and what they may not."""

from collections.abc import AsyncIterator

import httpx
import pytest
from penstock_gateway import answer

from penstock import jobs
from penstock.contracts.wire import DEFAULT_TENANT, JobName
from penstock.jetstream.bus import Bus
from penstock.settings import Settings
from tests.gateway.raw_http import Start
from tests.support.gateway_process import GatewayServer, serving_gateway
from tests.support.patience import PATIENCE

PAGE = "https://app.example.com"
BODY = {"query": "x"}


@pytest.fixture
async def shared(bus: Bus, settings: Settings) -> AsyncIterator[GatewayServer]:
    async with serving_gateway(settings.model_copy(update={"cors_origins": (PAGE,)})) as server:
        yield server


def preflight(method: str, headers: str = "authorization,content-type,idempotency-key") -> dict[str, str]:
    return {"Origin": PAGE, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}


async def test_without_the_setting_no_page_may_read_anything(alone: GatewayServer) -> None:
    answers = [
        await alone.http.options("/routing", headers=preflight("POST")),
        await alone.http.get("/jobs", headers={"Origin": PAGE}),
        refused := await alone.http.post("/routing", json=BODY, headers={"Origin": PAGE}),
    ]
    assert not [one for answer in answers for one in answer.headers if one.startswith("access-control")]
    assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")
    assert all(word in refused.json()["detail"] for word in (PAGE, "PENSTOCK_CORS_ORIGINS"))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/routing"),
        ("GET", "/routing/a-chat/stream"),
        ("GET", "/jobs"),
        ("DELETE", "/jobs/some"),
        ("GET", "/jobs/some/events"),
        ("POST", "/jobs/some/retry"),
        ("POST", "/jobs/some/signals/approval"),
        ("GET", "/patterns"),
    ],
)
async def test_every_route_is_allowed_beforehand(shared: GatewayServer, method: str, path: str) -> None:
    allowed = await shared.http.options(path, headers=preflight(method))
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == PAGE
    assert method in allowed.headers["access-control-allow-methods"]
    assert "authorization" in allowed.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in allowed.headers
    stranger = await shared.http.options(path, headers=preflight(method) | {"Origin": "https://evil.example"})
    assert (stranger.status_code, "access-control-allow-origin" in stranger.headers) == (400, False)


async def test_a_page_reads_every_answer_and_the_headers_it_needs(
    shared: GatewayServer, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers, streams, refusals of every kind, and a fault of ours."""
    await jobs.submit(bus, "routing", JobName(DEFAULT_TENANT, "some"), b"{}")
    page = {"Origin": PAGE}
    accepted = await shared.http.post("/routing", json=BODY, headers=page | {"Prefer": "respond-async"})
    async with shared.http.stream("GET", "/jobs/some/events", headers=page) as stream:
        refusals = {
            404: await shared.http.get("/jobs/none", headers=page),
            405: await shared.http.put("/jobs", headers=page),
            415: await shared.http.post("/routing", content="x", headers=page),
            421: await shared.http.get("/jobs", headers=page | {"Host": "evil.example"}),
            422: await shared.http.post("/routing", json={}, headers=page),
        }
        monkeypatch.delattr(answer, "stream")
        refusals[500] = await shared.http.get("/jobs/some/stream", headers=page)
        assert {status: answer.status_code for status, answer in refusals.items()} == {one: one for one in refusals}
        for headers in (accepted.headers, stream.headers, *(answer.headers for answer in refusals.values())):
            assert headers["access-control-allow-origin"] == PAGE
            assert "Origin" in headers["vary"]
            exposed = headers["access-control-expose-headers"].lower().split(", ")
            assert {"x-job-id", "location", "retry-after", "ratelimit", "ratelimit-policy"} <= set(exposed)
    stranger = await shared.http.post("/routing", json=BODY, headers={"Origin": "https://app.example.com.evil"})
    assert (stranger.status_code, "access-control-allow-origin" in stranger.headers) == (403, False)


async def test_the_setting_names_origins_as_browsers_do(start: Start) -> None:
    """Or any; a process does not start with what could be none."""
    replica = await start(cors_origins="*")
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{replica.port}", timeout=PATIENCE, trust_env=False
    ) as http:
        answer = await http.post("/routing", json=BODY, headers={"Origin": "null", "Prefer": "respond-async"})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (202, "*")
    with pytest.raises(AssertionError, match="did not start"):
        await start(cors_origins="https://app.example.com/path")
