"""How many requests a caller may make, and how many jobs a tenant may have on: over all gateways."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest

from penstock import jobs
from penstock.callers.caller import Limits
from penstock.callers.keys import NewKey
from penstock.contracts.wire import DEFAULT_TENANT, JobName
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.nats_api.endpoints import NatsApi
from penstock.patterns.loading import load
from penstock.settings import Settings
from penstock.simulator.wire import Fault
from tests.gateway.raw_http import Start
from tests.support.gateway_process import serving_gateway
from tests.support.keys import bearer, new_key
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline
from tests.support.replica import Replica

QUERY = {"query": "Our API answers 502 since the deploy"}
AT_ONCE = {"Prefer": "respond-async"}
PROXIED = {"trusted_proxies": "127.0.0.0/8"}


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=40)
    async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False, limits=limits) as client:
        yield client


async def post(http: httpx.AsyncClient, replica: Replica, *, of: str = "", path: str = "/routing") -> httpx.Response:
    """A submission; `of`: the caller's address, as a proxy tells it."""
    headers = AT_ONCE | ({"X-Forwarded-For": of} if of else {})
    return await http.post(f"http://127.0.0.1:{replica.port}{path}", json=QUERY, headers=headers)


async def test_exactly_so_many_pass_however_many_gateways_there_are(
    start: Start, http: httpx.AsyncClient, bus: Bus
) -> None:
    """200 requests at once on two gateways: 50 jobs come of them, and each answer says how its caller stands."""
    gateways = [await start(rate_limit="50/day", **PROXIED) for _ in range(2)]
    answers = await asyncio.gather(*(post(http, gateways[n % 2], of="192.0.2.1") for n in range(200)))
    assert Counter(answer.status_code for answer in answers) == {202: 50, 429: 150}
    assert len(await bus.last_from_any_replica(["jobs.>"])) == 50
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"default";q=50;w=86400'}
    passed = [answer.headers["ratelimit"] for answer in answers if answer.status_code == 202]
    assert sorted(int(one.partition(";r=")[2].partition(";")[0]) for one in passed) == list(range(50))
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert (refused.json()["code"], refused.headers["content-type"]) == ("rate_limited", "application/problem+json")
    assert refused.headers["ratelimit"] == f'"default";r=0;t={refused.headers["retry-after"]}'
    assert 86_000 < int(refused.headers["retry-after"]) <= 86_400
    assert (await post(http, gateways[0], of="192.0.2.2")).status_code == 202


async def test_who_is_refused_loses_nothing_by_trying_on(start: Start, http: httpx.AsyncClient) -> None:
    """The window is over for somebody who never stops as well."""
    replica = await start(rate_limit="1/second", **PROXIED)
    seen = Counter[int]()
    async with asyncio.timeout(PATIENCE):
        while seen[202] < 3:
            seen[(await post(http, replica, of="192.0.2.1")).status_code] += 1
    assert seen[429] > 0


async def test_whose_request_it_is(start: Start, http: httpx.AsyncClient) -> None:
    """This machine's own have no limit. An IPv6 address counts for its network. Only a trusted proxy is believed."""
    trusting, plain = await start(rate_limit="1/day", **PROXIED), await start(rate_limit="1/day")
    for _ in range(3):
        answer = await post(http, trusting)
        assert (answer.status_code, "ratelimit" in answer.headers) == (202, False)
    for first, again in (
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.2", "198.51.100.7, 192.0.2.2"),
        ("2001:db8:1:1::1", "2001:db8:1:1:ffff::2"),
        ("::ffff:192.0.2.3", "192.0.2.3"),
    ):
        assert [(await post(http, trusting, of=one)).status_code for one in (first, again)] == [202, 429], first
    assert (await post(http, trusting, of="2001:db8:1:2::1")).status_code == 202
    behind = [(await post(http, plain, of=one)).status_code for one in ("192.0.2.8", "192.0.2.9")]
    assert behind == [202, 429]


async def test_a_key_has_limits_of_its_own(start: Start, http: httpx.AsyncClient, bus: Bus) -> None:
    """Wherever its requests come from; else those of the settings. Places are the tenant's, whichever key asks."""
    plain, unlimited = await new_key(bus), await new_key(bus, limits=Limits(rate="none"))
    own = await new_key(bus, "shop", limits=Limits(rate="8/day", burst=2))
    few = await new_key(bus, "shop", limits=Limits(jobs=3))
    gateways = [await start(rate_limit="3/day") for _ in range(2)]

    async def passed(key: NewKey) -> list[int]:
        urls = [f"http://127.0.0.1:{gateways[number % 2].port}/routing" for number in range(5)]
        answers = [await http.post(url, json=QUERY, headers=AT_ONCE | bearer(key)) for url in urls]
        return [answer.status_code for answer in answers]

    assert await passed(plain) == [202, 202, 202, 429, 429]
    assert await passed(unlimited) == [202] * 5
    assert await passed(own) == [202, 202, 429, 429, 429]
    assert await passed(few) == [202, 202, 202, 429, 429]
    answer = await http.post(f"http://127.0.0.1:{gateways[0].port}/routing", json=QUERY, headers=bearer(own))
    assert answer.headers["ratelimit-policy"] == '"default";q=2;w=21600'


async def test_what_counts(start: Start, http: httpx.AsyncClient) -> None:
    """What begins or moves on a job, whatever becomes of the request; not what reads, or cancels."""
    replica = await start(rate_limit="4/day", **PROXIED)
    url, caller = f"http://127.0.0.1:{replica.port}", {"X-Forwarded-For": "192.0.2.1"}
    job = (await post(http, replica, of="192.0.2.1")).headers["x-job-id"]
    for _ in range(3):
        for path in ("/jobs", f"/jobs/{job}", "/patterns"):
            answer = await http.get(url + path, headers=caller)
            assert (answer.status_code, "ratelimit" in answer.headers) == (200, False)
    assert (await http.delete(f"{url}/jobs/{job}", headers=caller)).status_code == 200
    assert (await http.post(f"{url}/jobs/{job}/retry", headers=caller)).headers["ratelimit"][:14] == '"default";r=2;'
    said = await http.post(f"{url}/jobs/{job}/signals/none", headers=caller, json={})
    assert (said.status_code, said.headers["ratelimit"][:14]) == (404, '"default";r=1;')
    wrong = await http.post(f"{url}/routing", headers=caller, json={})
    assert (wrong.status_code, wrong.headers["ratelimit"][:14]) == (422, '"default";r=0;')
    assert (await http.post(f"{url}/jobs/{job}/retry", headers=caller)).status_code == 429


async def test_a_rate_that_cannot_be_known_refuses_unless_a_setting_says_otherwise(
    start: Start, http: httpx.AsyncClient, bus: Bus
) -> None:
    closed, lenient = await start(**PROXIED), await start(limits_open=True, **PROXIED)
    await bus.jetstream.delete_stream(subjects.LIMITS)
    refused, served = await asyncio.gather(*(post(http, one, of="192.0.2.1") for one in (closed, lenient)))
    assert (refused.status_code, refused.json()["code"]) == (503, "bus_unavailable")
    assert (served.status_code, "ratelimit" in served.headers) == (202, False)


async def test_exactly_so_many_jobs_of_a_tenant_are_on(start: Start, http: httpx.AsyncClient, bus: Bus) -> None:
    """Over two gateways; one that is there is no new one; its end, whatever it is, makes room for one more."""
    gateways = [await start(tenant_jobs=3) for _ in range(2)]
    answers = await asyncio.gather(*(post(http, gateways[n % 2]) for n in range(20)))
    assert Counter(answer.status_code for answer in answers) == {202: 3, 429: 17}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert (refused.json()["code"], refused.headers["retry-after"]) == ("too_many_jobs", "5")
    url = f"http://127.0.0.1:{gateways[0].port}"
    (job, *_) = [answer.headers["x-job-id"] for answer in answers if answer.status_code == 202]
    await http.delete(f"{url}/jobs/{job}")
    keyed = AT_ONCE | {"Idempotency-Key": "mine"}
    again = [await http.post(f"{url}/routing", json=QUERY, headers=keyed) for _ in range(2)]
    assert [answer.status_code for answer in again] == [202, 202]
    assert (await post(http, gateways[1], path=f"/jobs/{job}/retry")).json()["code"] == "too_many_jobs"
    await http.delete(f"{url}/jobs/{again[0].headers['x-job-id']}")
    retried = await post(http, gateways[1], path=f"/jobs/{job}/retry")
    assert retried.status_code == 202
    # the key's job has ended, and all places are taken: it is answered as it is
    assert (await http.post(f"{url}/routing", json=QUERY, headers=keyed)).json()["code"] == "job_cancelled"


async def test_no_place_is_lost_to_a_job_that_never_was(bus: Bus, settings: Settings) -> None:
    """Its gateway died before it was submitted, or it is past its retention."""
    now = bus.time.now()
    held = {"never-submitted": now - 3600, "about-to-be": now - 1, "queued": now - 3600}
    await jobs.submit(bus, "routing", JobName(DEFAULT_TENANT, "queued"), b"{}")
    await bus.append(subjects.places(DEFAULT_TENANT), json.dumps(held).encode())
    async with serving_gateway(settings.model_copy(update={"tenant_jobs": 3})) as gateway:
        answers = [await gateway.http.post("/routing", json=QUERY, headers=AT_ONCE) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 429]


async def test_jobs_asked_for_over_nats_count_as_well(bus: Bus, settings: Settings) -> None:
    api = NatsApi(bus, load(()), settings.model_copy(update={"tenant_jobs": 1}))
    await api.start()
    body = json.dumps(QUERY).encode()
    answers = [
        await bus.connection.request(subjects.api("submit", DEFAULT_TENANT, "routing"), body, PATIENCE)
        for _ in range(2)
    ]
    await api.stop()
    assert [json.loads(answer.data).get("code") for answer in answers] == [None, "too_many_jobs"]


async def test_a_job_that_was_run_frees_its_place(pipeline: Pipeline) -> None:
    """By itself: one that completed, one that failed."""
    async with serving_gateway(pipeline.settings.model_copy(update={"tenant_jobs": 1})) as gateway:
        assert (await gateway.http.post("/routing", json=QUERY)).status_code == 200
        await pipeline.gemini.rule(step="classify", fault=Fault(status=400))
        waiting = {"Prefer": "respond-async, wait=60"}
        assert (await gateway.http.post("/routing", json=QUERY, headers=waiting)).status_code == 502
        assert (await gateway.http.post("/routing", json=QUERY, headers=AT_ONCE)).status_code == 202
