"""Jobs that failed, tried again by a client, whichever way."""

import asyncio
import json

import pytest

from penstock.client import Client, RequestRefused, UnknownJob
from penstock.client.over_http import HttpClient
from penstock.client.sync import SyncClient
from penstock.contracts.job import JobState
from penstock.simulator.wire import Fault
from tests.faults.fault_harness import checked
from tests.support.gateway_process import GatewayServer
from tests.support.pipeline import Pipeline

QUERY = {"query": "Our API answers 502 since the deploy"}


async def test_a_failed_job_is_retried_and_any_other_is_not(
    client: Client, over_http: Client, over_nats: Client, pipeline: Pipeline
) -> None:
    """One new job, whichever way it is asked for."""
    await pipeline.gemini.rule(step="respond", fault=Fault(status=400), times=1)
    job = await client.submit("routing", QUERY)
    await pipeline.failure(job)
    new = await client.retry(job)
    assert {await way.retry(job) for way in (over_http, over_nats)} == {new}
    checked(await pipeline.events(new), "routing")
    assert [call.step for call in await pipeline.gemini.calls(job=new)] == ["respond"]
    assert ((await client.state(job)).retried_as, (await client.state(new)).retry_of) == (new, job)
    with pytest.raises(RequestRefused, match="not_failed"):
        await client.retry(new)
    with pytest.raises(UnknownJob):
        await client.retry("nobody")


async def test_it_is_retried_by_any_caller_of_nats(pipeline: Pipeline) -> None:
    await pipeline.gemini.rule(step="respond", fault=Fault(status=400), times=1)
    job = await pipeline.submit("routing", QUERY)
    await pipeline.failure(job)
    for code in (None, "409"):
        answer = await pipeline.bus.connection.request("penstock.retry.default", json.dumps({"id": job}).encode(), 10)
        assert (answer.headers or {}).get("Nats-Service-Error-Code") == code
        if code is None:
            job = JobState.model_validate_json(answer.data).id
            await pipeline.result(job)


async def test_it_is_retried_without_async(gateway: GatewayServer, pipeline: Pipeline) -> None:
    await pipeline.gemini.rule(step="respond", fault=Fault(status=400), times=1)
    job = await pipeline.submit("routing", QUERY)
    await pipeline.failure(job)

    def retry() -> str:
        with SyncClient(HttpClient(gateway.url)) as client:
            return client.retry(job)

    await pipeline.result(await asyncio.to_thread(retry))
