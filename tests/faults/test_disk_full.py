"""NATS has no room left, or its disk has none: jobs wait, nothing is paid twice, and all end once there is room."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.js.api import StreamConfig
from nats.js.errors import APIError

from penstock.settings import Settings
from tests.support.gateway_process import GatewayServer
from tests.support.log_records import logged
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline
from tests.support.servers import NatsServer
from tests.support.simulator import Steering

QUERY = {"query": "Our API answers 502 since the deploy"}
STORE = 64 * 1024**2
#: Jobs whose first call is under way when there is no room any more.
JOBS = 12


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[NatsServer]:
    """A server that may store little more than the streams reserve."""
    server = NatsServer(tmp_path / "nats")
    server.max_store = STORE + STORE // 2
    async with server:
        yield server


@pytest.fixture
def settings(nats: NatsServer, gemini_url: str) -> Settings:
    return Settings(
        nats_url=nats.url, model_base_url=gemini_url, ack_wait=10, grace=5, nats_timeout=2, port=0, store_bytes=STORE
    )


async def fill(pipeline: Pipeline) -> None:
    """Others use the same server, and take all that is left."""
    patient = pipeline.bus.connection.jetstream(timeout=PATIENCE)
    await patient.add_stream(StreamConfig(name="OTHERS", subjects=["others"]))

    async def publish(size: int) -> None:
        while True:
            await patient.publish("others", b"x" * size)

    for size in (1024**2, 1000, 1):
        with pytest.raises(APIError, match="insufficient resources"):
            await publish(size)


async def begin(pipeline: Pipeline) -> list[str]:
    """JOBS jobs with a call under way, held until `release`."""
    await pipeline.gemini.rule(step="classify", reply={"hold": "reply"})
    begun = [await pipeline.submit("routing", QUERY) for _ in range(JOBS)]
    await pipeline.gemini.wait(step="classify", count=JOBS)
    return begun


async def unready(gateway: GatewayServer) -> str:
    """What /readyz says once a request could not be stored."""
    async with asyncio.timeout(PATIENCE):
        while (answer := await gateway.http.get("/readyz")).status_code == 200:
            refused = await gateway.http.post("/routing", json=QUERY)
            assert (refused.status_code, refused.json()["code"]) in ((503, "bus_unavailable"), (503, "no_room"))
    return answer.text


async def all_paid_once(pipeline: Pipeline, jobs: list[str]) -> None:
    """Every job ends well, and no call was made but those that were needed."""
    await asyncio.gather(*map(pipeline.result, jobs))
    calls = [(call.job, call.step) for call in await pipeline.gemini.calls()]
    assert sorted(calls) == sorted((job, step) for job in jobs for step in ("classify", "respond"))


async def test_a_server_at_its_limit_pays_for_nothing_twice_and_goes_on_when_there_is_room(
    pipeline: Pipeline, gateway: GatewayServer, gemini: Steering
) -> None:
    """Replies that are in hand are kept, and stored later; new jobs are refused meanwhile."""
    jobs = await begin(pipeline)
    with logged("penstock.jetstream.settling", "NATS stores nothing; the outcome is kept") as kept:
        await fill(pipeline)
        assert "NATS stores nothing in JOBS" in await unready(gateway)
        async with asyncio.timeout(PATIENCE):
            # one request at a time may try whether there is room
            while (refused := await gateway.http.post("/routing", json=QUERY)).json()["code"] != "no_room":
                assert (refused.status_code, refused.json()["code"]) == (503, "bus_unavailable")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
        await gemini.release("reply")
        await kept.times(JOBS)
    await pipeline.bus.jetstream.purge_stream("OTHERS")
    await all_paid_once(pipeline, jobs)
    async with asyncio.timeout(PATIENCE):
        while (await gateway.http.post("/routing", json=QUERY, headers={"Prefer": "respond-async"})).is_error:
            pass
    assert (await gateway.http.get("/readyz")).status_code == 200


async def test_a_disk_without_room_is_told_with_what_to_restart_and_nothing_is_paid_twice(
    pipeline: Pipeline, gateway: GatewayServer, gemini: Steering, nats: NatsServer
) -> None:
    """A stream whose write has failed stays so until its server is started again, whatever room there is by then."""
    jobs = await begin(pipeline)
    with logged("penstock.jetstream.settling", "NATS stores nothing; the outcome is kept") as kept:
        nats.break_disk()
        assert "make room and restart nats-server" in await unready(gateway)
        await gemini.release("reply")
        await kept.times(JOBS)
    await nats.stop()
    await nats.start()
    await all_paid_once(pipeline, jobs)
