"""Metrics: what a service counts does not grow with what it has done."""

import re

import httpx

from tests.support.pipeline import Pipeline


async def series(pipeline: Pipeline) -> set[str]:
    """The names and labels that the three services' /metrics show."""
    shown: set[str] = set()
    for replica in pipeline.replicas.values():
        app = replica.service.app
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
            text = (await client.get("/metrics")).text
            shown |= {line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    return shown


async def test_series_are_labelled_by_consumer_and_never_by_job(pipeline: Pipeline) -> None:
    """A label for each job would be memory for each job, for ever."""
    for number in range(3):
        await pipeline.run("routing", {"query": f"Where is order {number}?"})
    labels = {label for line in await series(pipeline) for label in re.findall(r'handler="([^"]*)"', line)}
    assert labels <= {"JOBS/aggregator", "STEPS/classifier-classify", "STEPS/workers-respond"}
    assert "STEPS/classifier-classify" in labels
