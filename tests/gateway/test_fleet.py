"""`GET /fleet`: who is there, and what waits. Its figures are those of NATS, and of `/metrics`."""

import asyncio
from typing import Any

import pytest

from penstock.settings import Settings
from penstock.settings.model_limits import ModelLimit
from tests.support.gateway_process import GatewayServer, serving_gateway
from tests.support.keys import bearer, new_key
from tests.support.partitions import in_partitions
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline


async def fleet(gateway: GatewayServer) -> dict[str, Any]:
    found: dict[str, Any] = (await gateway.http.get("/fleet")).raise_for_status().json()
    return found


async def until_there(gateway: GatewayServer, *services: str) -> dict[str, Any]:
    """The fleet, once just these answer: on a busy machine one may be late."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await fleet(gateway)
            if sorted(one["service"] for one in found["replicas"]) == sorted(services):
                return found


async def test_every_process_answers_for_itself(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """What it serves, how much of it at once, and what it has done: the metrics are the same."""
    await pipeline.start("workers", steps=["routing/respond"], slots=3)
    await pipeline.run("routing", {"query": "Where is my order?"})
    found = await until_there(gateway, "aggregator", "classifier", "gateway", "workers", "workers")
    by_service = {one["service"]: one for one in found["replicas"]}
    assert by_service["classifier"]["steps"] == ["routing/classify"]
    assert "routing" in by_service["aggregator"]["patterns"]
    assert by_service["aggregator"]["slots"] == pipeline.settings.runs
    assert sorted(one["slots"] for one in found["replicas"] if one["service"] == "workers")[0] == 3
    assert len({one["id"] for one in found["replicas"]}) == 5
    assert not found["truncated"]
    await pipeline.stop("aggregator")
    left = await until_there(gateway, "classifier", "gateway", "workers", "workers")
    assert by_service["aggregator"]["id"] not in {one["id"] for one in left["replicas"]}
    shown = (await gateway.http.get("/metrics")).text
    counted = sum(float(line.split()[-1]) for line in shown.splitlines() if line.startswith("penstock_http_requests_t"))
    after = (await until_there(gateway, "classifier", "gateway", "workers", "workers"))["replicas"]
    assert next(one for one in after if one["service"] == "gateway")["counts"]["requests"] >= counted


@in_partitions
async def test_what_waits_is_counted_by_lane(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """Steps that nobody serves, with the age of the oldest; jobs that no aggregator has; and dead letters."""
    await pipeline.stop("workers")
    for urgency in ("high", "normal", "normal"):
        job = await pipeline.submit("routing", {"query": "Is anybody there?", "options": {"urgency": urgency}})
        async for event in pipeline.following(job):
            if event.type == "step.completed":
                break
    await pipeline.failure(await pipeline.submit("routing", {"query": 5}))
    async with asyncio.timeout(PATIENCE):
        while (queue := _queue(await fleet(gateway), "respond"))["depth"] < 3:
            pass
    assert {lane["lane"]: lane["depth"] for lane in queue["lanes"]} == {"high": 1, "normal": 2, "low": 0, "over": 0}
    assert not queue["served"]
    ages = [lane["oldestSeconds"] for lane in queue["lanes"] if "oldestSeconds" in lane]
    assert len(ages) == 2
    assert queue["oldestSeconds"] == max(ages) > 0
    await pipeline.stop("aggregator", grace=0)
    await pipeline.submit("routing", {"query": "Is anybody there?"})
    found = await fleet(gateway)
    assert found["deadLetters"] == len(await pipeline.dead_letters()) == 1
    assert found["jobs"]["depth"] == sum(lane["depth"] for lane in found["jobs"]["lanes"]) == 1
    assert next(lane for lane in found["jobs"]["lanes"] if lane["lane"] == "new")["depth"] == 1


def _queue(found: dict[str, Any], step: str) -> dict[str, Any]:
    queue: dict[str, Any] = next(one for one in found["steps"] if one["step"] == step)
    return queue


class TestLimitedModels:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        limits = {"*": ModelLimit(concurrent=2, requests_per_minute=100)}
        return settings.model_copy(update={"model_limits": limits})

    async def test_its_permits_and_its_minute_are_shown(self, pipeline: Pipeline, gateway: GatewayServer) -> None:
        """The one whose call is held has a permit. Its name is as it was given, though NATS has it as a token."""
        await pipeline.gemini.rule(step="respond", reply={"hold": "reply"})
        job = await pipeline.submit("routing", {"query": "Where is my order?"})
        await pipeline.gemini.wait(step="respond")
        async with asyncio.timeout(PATIENCE):  # that of the call before is given back soon
            while len(lent := [one for one in (await fleet(gateway))["models"] if one["lent"]]) != 1:
                pass
        (model,) = lent
        assert model["model"] in (*pipeline.settings.fast_models, *pipeline.settings.complex_models)
        assert model["limits"] == {"concurrent": 2, "requestsPerMinute": 100}
        assert (model["lent"], model["calls"] >= 1) == (1, True)
        found = await until_there(gateway, "aggregator", "classifier", "gateway", "workers")
        workers = next(one for one in found["replicas"] if one["service"] == "workers")
        assert (workers["inUse"], workers["inFlight"]) == (1, 1)
        await pipeline.gemini.release("reply")
        await pipeline.result(job)


async def test_it_is_for_admins(pipeline: Pipeline) -> None:
    """Where there are keys; where none is needed, for everybody."""
    admin, other = await new_key(pipeline.bus, admin=True), await new_key(pipeline.bus)
    async with serving_gateway(pipeline.settings.model_copy(update={"publish": "192.0.2.1"})) as gateway:
        for key, status in ((admin, 200), (other, 403)):
            assert (await gateway.http.get("/fleet", headers=bearer(key))).status_code == status
        assert (await gateway.http.get("/fleet")).status_code == 401
