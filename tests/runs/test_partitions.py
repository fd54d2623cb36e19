"""The whole system in four partitions: what a caller can do is the same."""

import asyncio
from collections import defaultdict

import pytest

from penstock.client import NatsClient
from penstock.jetstream import subjects
from penstock.jetstream.asking import asked
from penstock.jetstream.bus import Bus
from penstock.jetstream.partitions import PARTITIONED, logical
from penstock.patterns import PATTERNS
from penstock.settings import Settings
from tests.support.gateway_process import GatewayServer
from tests.support.naming import named
from tests.support.pipeline import Pipeline


@pytest.fixture
def partitions() -> int:
    return 4


async def found(bus: Bus) -> dict[str, set[tuple[str, int]]]:
    """By job: the streams that have something of it, and in which partition."""
    places = defaultdict[str, set[tuple[str, int]]](set)
    for name in PARTITIONED:
        for number, stream in enumerate(bus.partitions.streams(name)):
            info = await asked(bus.connection, f"STREAM.INFO.{stream}", subjects_filter=">")
            for subject in info["state"].get("subjects") or ():
                tokens = logical(subject).split(".")
                places[tokens[3 if name == subjects.JOBS else 2]].add((name, number))
    return places


async def test_every_pattern_ends_and_each_job_is_in_one_partition(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """Jobs are in several of them; lists, results and sums are of all."""
    bodies = {one.name: one.example.model_dump(mode="json", by_alias=True) for one in PATTERNS}
    submitted = [await pipeline.submit(name, body) for name, body in [*bodies.items()] * 2]
    results = dict(zip(submitted, await asyncio.gather(*map(pipeline.result, submitted)), strict=True))
    places = await found(pipeline.bus)
    assert set(places) == set(submitted)
    for streams in places.values():
        assert {name for name, _ in streams} == {subjects.JOBS, subjects.JOURNAL, subjects.EVENTS}
        assert len({number for _, number in streams}) == 1
    assert len({number for streams in places.values() for _, number in streams}) > 1

    listed, query = list[str](), {"limit": "5"}
    while True:
        page = (await gateway.http.get("/jobs", params=query)).json()
        listed += [job["id"] for job in page["jobs"]]
        if "next" not in page:
            break
        query["cursor"] = page["next"]
    assert listed == submitted[::-1]
    refused = await gateway.http.get("/jobs", params={"cursor": "7"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/query/cursor")

    ends = [await pipeline.end(job) for job in submitted]
    async with NatsClient(Settings(nats_url=pipeline.settings.nats_url)) as client:  # which knows nothing of partitions
        assert [job.id async for job in client.jobs()] == listed
        states = await asyncio.gather(*map(client.state, submitted))
        assert {state.id: state.result for state in states} == results
        total = (await client.usage()).total
    assert total.calls == sum(end.usage.calls for end in ends)


async def test_a_cancelled_job_ends_wherever_it_is(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """One in each partition, while its model is asked; nobody works on it any more."""
    await pipeline.gemini.rule(step="classify", reply={"hold": "classify"})
    of = pipeline.bus.partitions.number
    ids = {of(job): job for job in (f"job-{number}" for number in range(50))}
    assert len(ids) == 4
    for job in ids.values():
        await pipeline.submit("routing", {"query": "Where is my order?"}, job)
    await pipeline.gemini.wait(held="classify", count=4)
    async with pipeline.settlements() as settlements:
        for job in ids.values():
            assert (await gateway.http.delete(f"/jobs/{job}")).json()["status"] == "cancelled"
        await settlements.wait_for("ACK", 4)
        await settlements.wait_for("ACK", 4, stream=subjects.JOBS)
    assert [await pipeline.bus.last_from_leader(subjects.events(named(job))) for job in ids.values()].count(None) == 0
