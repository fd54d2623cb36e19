"""Three NATS servers, each stream on all of them: whichever of them lags or dies."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.jobs import look_up, new_job_id, submit
from penstock.settings import Settings
from tests.support.naming import named
from tests.support.servers import NatsCluster

QUERY = b'{"query": "Our API answers 502 since the deploy"}'


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[NatsCluster]:
    async with NatsCluster(tmp_path / "nats") as cluster:
        yield cluster


@pytest.fixture
def settings(cluster: NatsCluster, gemini_url: str) -> Settings:
    return Settings(nats_url=cluster.url, model_base_url=gemini_url, stream_replicas=3, ack_wait=3, grace=5, port=0)


@pytest.fixture
async def bus(settings: Settings) -> AsyncIterator[Bus]:
    """A connection to a cluster that has its streams."""
    bus = await connect(settings, "test")
    async with asyncio.timeout(60):
        while True:
            try:
                await declare(bus.jetstream, settings)
                break
            except Exception as error:  # it has no leader yet
                print(repr(error))
                await asyncio.sleep(0.2)
    yield bus
    await bus.connection.close()


async def leader(bus: Bus, stream: str) -> str:
    info = (await bus.jetstream.stream_info(stream)).cluster
    assert info is not None
    assert info.leader
    return info.leader


async def test_what_decides_is_asked_of_the_leader(cluster: NatsCluster, bus: Bus, settings: Settings) -> None:
    """A server that stood still is behind for a while, and answers all the same: it knows nothing of the newest job."""
    first = await leader(bus, subjects.JOBS)
    follower = next(server for name, server in cluster.servers.items() if name != first)
    writer = await connect(settings.model_copy(update={"nats_url": cluster.servers[first].url}), "test")
    reader = await connect(settings.model_copy(update={"nats_url": follower.url}), "test")
    behind = 0
    for _ in range(5):
        follower.signal(signal.SIGSTOP)
        jobs = [new_job_id() for _ in range(1000)]
        await asyncio.gather(*(submit(writer, "routing", named(job), QUERY) for job in jobs))
        follower.signal(signal.SIGCONT)
        for _ in range(20):
            behind += not await reader.last_from_any_replica([subjects.job("routing", named(jobs[-1]))])
            assert await look_up(reader, named(jobs[-1]))
            assert not await submit(reader, "routing", named(jobs[-1]), QUERY)
    print(f"{behind} of 100 reads were answered by a server that was behind")
    for one in (writer, reader):
        await one.connection.close()
