"""Without `async`: a thread of its own has the loop."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from typing import assert_type

import pytest

from penstock.client import Client, HttpClient, NatsClient, RequestRefused, UnknownJob, Unreachable
from penstock.client.sync import SyncClient
from penstock.contracts.events import JobAccepted, JobCompleted
from penstock.hosting.ports import free_port
from penstock.patterns import routing
from penstock.patterns.routing.contract import RoutingResult
from penstock.simulator.wire import Reply
from tests.support.gateway_process import GatewayServer
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline

QUERY = {"query": "Our API answers 502 since the deploy"}


@pytest.fixture(params=["http", "nats"])
def opened(request: pytest.FixtureRequest, gateway: GatewayServer, pipeline: Pipeline) -> Iterator[SyncClient]:
    """The system runs in this test's loop, so the calls are made beside it."""
    asynchronous: Client = HttpClient(gateway.url) if request.param == "http" else NatsClient(pipeline.settings)
    with SyncClient(asynchronous) as client:
        yield client


async def test_a_script_does_all_that_an_asynchronous_client_does(opened: SyncClient) -> None:
    def script() -> None:
        opened.check()
        result = opened.run(routing.PATTERN, QUERY)
        assert_type(result, RoutingResult)
        assert result.response
        job = opened.submit("routing", QUERY)
        followed = list(opened.follow(job))
        assert isinstance(followed[-1], JobCompleted)
        with opened.stream("routing", QUERY) as events:
            assert isinstance(next(events), JobAccepted)
            cursor = events.cursor
        assert list(events) == []
        assert isinstance(list(opened.follow(events.job, after=cursor))[-1], JobCompleted)
        assert list(opened.partials("routing", QUERY))[-1]["response"]
        assert opened.state(job).status == opened.cancel(job).status == "completed"
        assert {job, events.job} < {one.id for one in opened.jobs(pattern="routing")}
        with pytest.raises(UnknownJob):
            opened.state("nobody")
        with pytest.raises(RequestRefused):
            opened.submit("a.b", QUERY)

    await asyncio.to_thread(script)


async def test_what_is_left_early_is_closed(
    opened: SyncClient, pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is logged of it, and the client goes on and ends as ever."""
    await pipeline.gemini.rule(step="respond", reply=Reply(hold="respond"))

    def script() -> None:
        for _ in islice(opened.stream("routing", QUERY), 2):
            pass
        for _ in opened.partials("routing", QUERY):
            break
        for _ in opened.jobs():
            break
        with opened.stream("routing", QUERY) as events:
            next(events)
            opened.close()  # before the events are
        opened.close()
        with pytest.raises(Unreachable, match="closed"):
            opened.check()

    await asyncio.to_thread(script)
    await pipeline.gemini.release("respond")
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def test_it_works_where_a_loop_runs(gateway: GatewayServer) -> None:
    """As in a notebook, whose cells are run in one; and a process that never closes it ends all the same."""
    notebook = f"""
import asyncio
from penstock.client import HttpClient
from penstock.client.sync import SyncClient

async def cell():
    client = SyncClient(HttpClient({gateway.url!r}))
    print(client.run("routing", {QUERY!r}).response != "")

asyncio.run(cell())
"""
    cell = await asyncio.create_subprocess_exec(
        sys.executable, "-c", notebook, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE):
        assert await cell.communicate() == (b"True\n", b"")
    assert cell.returncode == 0


def test_nobody_there_is_said_at_once() -> None:
    with pytest.raises(Unreachable, match="NATS does not answer"):
        SyncClient(NatsClient(f"nats://127.0.0.1:{free_port()}", patience=0.2))
