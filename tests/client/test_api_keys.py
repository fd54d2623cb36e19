"""The clients' `api_key`: who has the right one is served, who has not is told so."""

import asyncio
from typing import Any

import pytest

from penstock.callers.keys import Keys
from penstock.client import Client, HttpClient, RequestRefused
from penstock.client.sync import SyncClient
from tests.support.gateway_process import serving_gateway
from tests.support.keys import new_key
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline

QUERY = {"query": "Our API answers 502 since the deploy"}


async def asked_for_everything(client: Client) -> list[Any]:
    """What every method raises."""
    coroutines = (
        client.submit("routing", QUERY),
        client.run("routing", QUERY),
        client.state("some-job"),
        client.cancel("some-job"),
        client.retry("some-job"),
        client.signal("some-job", "approval", {}),
        anext(client.jobs()),
        anext(client.follow("some-job")),
    )
    return await asyncio.gather(*coroutines, return_exceptions=True)


async def test_who_has_a_key_is_served_and_others_are_told(pipeline: Pipeline) -> None:
    """At once: nobody tries again what will be refused again. A job that is followed ends so, too."""
    made = await new_key(pipeline.bus)
    async with serving_gateway(pipeline.settings) as gateway:
        for wrong, said in ((None, "a key is needed"), (made.text[:-1], "the key is not valid")):
            async with HttpClient(gateway.url, api_key=wrong) as client:
                await client.check()
                for error in await asked_for_everything(client):
                    assert isinstance(error, RequestRefused)
                    assert str(error).startswith(f"unauthorized: {said}")
        async with HttpClient(gateway.url, api_key=made.text) as client, asyncio.timeout(PATIENCE):
            assert (await client.run("routing", QUERY)).response
            await pipeline.stop("aggregator")
            async with client.follow(await client.submit("routing", QUERY)) as events:
                coming = asyncio.create_task(anext(events))
                await Keys(pipeline.bus).revoke(made.key.id)
                with pytest.raises(RequestRefused, match="unauthorized: the key is not valid"):
                    await coming


async def test_scripts_give_it_alike(pipeline: Pipeline) -> None:
    made = await new_key(pipeline.bus)

    def script(url: str) -> str:
        with SyncClient(HttpClient(url, api_key=made.text)) as client:
            assert [job.id for job in client.jobs()] == []
        with SyncClient(HttpClient(url)) as client, pytest.raises(RequestRefused) as refused:
            client.submit("routing", QUERY)
        return refused.value.problem.code

    async with serving_gateway(pipeline.settings) as gateway:
        assert await asyncio.to_thread(script, gateway.url) == "unauthorized"
