"""Metrics: what a service counts does not grow with what it has done, and holds every token."""

import re
from collections import Counter

import httpx
from prometheus_client.parser import text_string_to_metric_families

from penstock import jobs
from penstock.contracts.events import Delta
from tests.support.naming import named
from tests.support.pipeline import Pipeline


async def shown(pipeline: Pipeline) -> str:
    """What the three services' /metrics show."""
    text = ""
    for replica in pipeline.replicas.values():
        app = replica.service.app
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
            text += (await client.get("/metrics")).text
    return text


async def test_series_are_labelled_by_consumer_and_never_by_job(pipeline: Pipeline) -> None:
    """A label for each job would be memory for each job, for ever."""
    for number in range(3):
        await pipeline.run("routing", {"query": f"Where is order {number}?"})
    labels = set(re.findall(r'handler="([^"]*)"', await shown(pipeline)))
    kinds = {f"STEPS/{kind}=normal" for kind in ("classifier=routing=classify", "workers=routing=respond")}
    assert kinds <= labels <= {"JOBS/aggregator", *kinds}


async def test_every_token_is_counted_those_of_calls_that_were_cut_off_too(pipeline: Pipeline) -> None:
    """One call breaks off and is made again, one is closed by a cancel: the job's usage has been written by then."""
    await pipeline.gemini.rule(step="classify", times=1, fault={"breakAfterChunks": 1})
    await pipeline.gemini.rule(step="respond", reply={"hold": "respond"})
    async with pipeline.settlements() as settlements:
        job = await pipeline.submit("routing", {"query": "Where is my order?"})
        async for event in pipeline.following(job):
            if isinstance(event, Delta) and event.k == "respond-1":
                await jobs.cancel(pipeline.bus, named(job))
        await settlements.wait_for("ACK", 2)
    calls = await pipeline.gemini.calls(job=job)
    assert [(call.step, call.status) for call in calls] == [
        ("classify", "failed"),
        ("classify", "completed"),
        ("respond", "disconnected"),
    ]
    paid, counted = Counter[str](), Counter[str]()
    for usage in (call.usage for call in calls if call.usage):
        paid["prompt"] += usage.prompt_token_count
        paid["output"] += usage.candidates_token_count
        paid["thinking"] += usage.thoughts_token_count
    for family in text_string_to_metric_families(await shown(pipeline)):
        for sample in family.samples:
            if sample.name == "penstock_model_tokens_total":
                counted[sample.labels["kind"]] += int(sample.value)
    assert counted == paid
