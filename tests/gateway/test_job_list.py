"""`GET /jobs`: newest first, in pages, from the streams alone."""

import asyncio
import json
import re
import time
import tracemalloc
from datetime import datetime
from typing import Any

from nats.aio.msg import Msg

from penstock import jobs
from penstock.contracts.job import JobPage
from penstock.contracts.journal import END, START, JobEnd, JobStart
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from tests.support.gateway_process import GatewayServer
from tests.support.naming import named
from tests.support.patience import PATIENCE


async def submitted(bus: Bus, pattern: str, job: str, status: str = "queued") -> None:
    """A job in any state, without anybody who does it."""
    await jobs.submit(bus, pattern, named(job), b"{}")
    if status != "queued":
        start = JobStart(pattern=pattern, body_hash="0", accepted_at=time.time(), deadline=time.time() + 9)
        await bus.once(subjects.journal(named(job), START), start.model_dump_json().encode())
    if status not in ("queued", "running"):
        end = JobEnd.model_validate({"pattern": pattern, "status": status, "ended_at": time.time(), "result": {}})
        await bus.once(subjects.journal(named(job), END), end.model_dump_json().encode())


async def listed(gateway: GatewayServer, **query: Any) -> list[str]:
    """The ids on all pages."""
    found: list[str] = []
    while True:
        page = (await gateway.http.get("/jobs", params=query)).raise_for_status().json()
        assert len(page["jobs"]) <= query.get("limit", 20)
        found += [job["id"] for job in page["jobs"]]
        if "next" not in page:
            return found
        query["cursor"] = page["next"]


async def test_pages_are_newest_first_and_complete(alone: GatewayServer, bus: Bus) -> None:
    """Every job once, whatever the size of a page."""
    names = [f"job-{number:03}" for number in range(130)]
    for name in names:
        await submitted(bus, "routing", name)
    for limit in (13, 100):
        assert await listed(alone, limit=limit) == names[::-1]


async def test_filters_by_pattern_and_status(alone: GatewayServer, bus: Bus) -> None:
    """Both at once, over all pages."""
    expected = []
    for number in range(60):
        pattern = ("routing", "parallel-processing")[number % 2]
        status = ("queued", "running", "completed", "failed", "cancelled")[number % 5]
        await submitted(bus, pattern, f"job-{number:02}", status)
        if (pattern, status) == ("parallel-processing", "failed"):
            expected.append(f"job-{number:02}")
    assert await listed(alone, limit=4, pattern="parallel-processing", status="failed") == expected[::-1]
    assert len(await listed(alone, limit=9, status="queued")) == 12
    assert await listed(alone, pattern="nothing-of-that") == []


async def test_filters_by_time(alone: GatewayServer, bus: Bus) -> None:
    """`since` is inclusive, `until` is not, by the times that are shown; RFC 3339 or Unix seconds."""
    for number in range(10):
        await submitted(bus, "routing", f"job-{number}")
    page = (await alone.http.get("/jobs")).json()["jobs"]
    times = {job["id"]: job["acceptedAt"] for job in page}
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time) for time in times.values())
    since, until = times["job-3"], times["job-7"]  # several jobs may have been accepted in one millisecond
    assert await listed(alone, since=until) == [job for job, time in times.items() if time >= until]
    assert await listed(alone, until=since, limit=1) == [job for job, time in times.items() if time < since]
    between = [job for job, time in times.items() if since <= time < until]
    assert await listed(alone, since=since, until=until) == between
    unix = datetime.fromisoformat(since).timestamp()
    assert await listed(alone, since=unix, until=until.replace("Z", "+00:00")) == between
    assert await listed(alone, since="2200-01-01T00:00:00Z") == []
    assert await listed(alone, until="2001-01-01") == []
    assert await listed(alone, until="0001-01-01T00:00:00+14:00") == []
    assert await listed(alone, until="9999-12-31T23:59:59-14:00", limit=100) == list(times)


async def test_an_empty_list(alone: GatewayServer) -> None:
    """No jobs, no next page."""
    assert (await alone.http.get("/jobs")).json() == {"jobs": []}


async def test_what_is_no_job_is_not_listed(alone: GatewayServer, bus: Bus) -> None:
    """An id that belongs to another pattern's job, or that no job can have."""
    await submitted(bus, "routing", "taken", "running")
    await bus.once(subjects.job("parallel-processing", named("taken")), b"{}")
    await bus.once(subjects.job("routing", named("no=token")), b"{}")
    page = (await alone.http.get("/jobs")).json()["jobs"]
    assert [(job["id"], job["pattern"], job["status"]) for job in page] == [("taken", "routing", "running")]


async def test_bad_filters_are_named(alone: GatewayServer) -> None:
    """400, and which one."""
    for name, value in (
        ("limit", "0"), ("limit", "101"), ("limit", "many"), ("status", "done"), ("pattern", "a.b"), ("pattern", ">"),
        ("since", "yesterday"), ("until", "NaN"), ("since", "9" * 40), ("cursor", "!!"), ("cursor", "é"),
        ("cursor", "YWJj"), ("cursor", "x" * 99),
    ):  # fmt: skip
        refused = await alone.http.get("/jobs", params={name: value})
        assert refused.status_code == 400, (name, value)
        assert refused.json()["errors"][0]["pointer"] == f"/query/{name}"


async def test_a_list_holds_no_bodies(bus: Bus) -> None:
    """Of a thousand requests of 100 kB, looked through for one row and for none: they stay where they are."""
    body = b"x" * 100_000
    for begin in range(0, 1000, 50):
        await asyncio.gather(*(bus.append(subjects.job("routing", named(f"job-{begin + n}")), body) for n in range(50)))
    before = bus.connection.stats["in_bytes"]
    tracemalloc.start()
    try:
        page = await jobs.page(bus, tenant=None, pattern="routing", limit=1)
        assert await jobs.page(bus, tenant=None, pattern="routing", status="failed", limit=1) == JobPage(jobs=())
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()
    assert [job.id for job in page.jobs] == ["job-999"]
    assert bus.connection.stats["in_bytes"] - before < 10e6


async def test_many_lists_take_few_consumers(alone: GatewayServer, bus: Bus) -> None:
    """One each, of a few lists at once, however far they look back; nothing of them is left."""
    for number in range(300):
        await submitted(bus, "routing", f"job-{number}")
    made, at_once = 0, set[str]()
    most = 0

    def told(message: Msg) -> None:
        nonlocal made, most
        event = json.loads(message.data)
        if event["action"] == "create":
            made += 1
            at_once.add(event["consumer"])
            most = max(most, len(at_once))
        else:
            at_once.discard(event["consumer"])

    advisories = await bus.subscribe(f"$JS.EVENT.ADVISORY.CONSUMER.*.{subjects.JOBS}.*", told)
    asked = [alone.http.get("/jobs", params={"status": "failed"}) for _ in range(20)]
    assert all(answer.json() == {"jobs": []} for answer in await asyncio.gather(*asked))
    async with asyncio.timeout(PATIENCE):
        while made < 20 or at_once:  # the server tells of them later
            await asyncio.sleep(0.01)
    await bus.unsubscribe(advisories)
    assert made == 20
    assert most <= 4
