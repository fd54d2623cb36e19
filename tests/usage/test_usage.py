"""`GET /usage` and `penstock usage`: what was used is what the model server counted."""

import asyncio
import csv
import json
import os
import sys
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from penstock import jobs
from penstock.client import HttpClient, NatsClient
from penstock.contracts.events import EVENT, Delta, StepStarted
from penstock.contracts.usage import UsageReport, UsageRow
from penstock.jetstream import subjects
from penstock.llm.usage import PRICES
from penstock.settings import Settings
from penstock.simulator.wire import Call
from penstock.usage import Folding, as_csv, columns, days, report
from tests.support.gateway_process import GatewayServer
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline, pipeline_of
from tests.support.simulator import Steering

BODY = {"query": "Where is my order?"}


async def used(gateway: GatewayServer, by: str = "step") -> UsageReport:
    answer = await gateway.http.get("/usage", params={"by": by})
    return UsageReport.model_validate_json(answer.raise_for_status().content)


def tokens(of: UsageRow | Call | Any) -> tuple[int, int, int]:
    """Prompt, output, thinking."""
    if isinstance(of, Call):
        usage = of.usage
        assert usage is not None
        return usage.prompt_token_count, usage.candidates_token_count, usage.thoughts_token_count
    return of.prompt_tokens, of.output_tokens, of.thinking_tokens


def together(calls: list[Call]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*(tokens(call) for call in calls if call.usage), strict=True)))


async def test_attempts_that_failed_and_calls_that_were_cut_off_are_counted_as_wasted(
    pipeline: Pipeline, gateway: GatewayServer
) -> None:
    """One call breaks off and is made again, one is closed by a cancel: after the job's usage has been written."""
    await pipeline.gemini.rule(step="classify", times=1, fault={"breakAfterChunks": 1})
    await pipeline.gemini.rule(step="respond", reply={"hold": "respond"})
    async with pipeline.settlements() as settlements:
        job = await pipeline.submit("routing", BODY)
        async for event in pipeline.following(job):
            if isinstance(event, Delta) and event.k == "respond-1":
                await jobs.cancel(pipeline.bus, named(job))
        await settlements.wait_for("ACK", 2)
    broken, classified, responded = await pipeline.gemini.calls(job=job)
    found = await used(gateway)
    classify, respond = found.rows
    assert (classify.step, tokens(classify.wasted)) == ("classify", tokens(broken))
    assert (respond.step, tokens(respond.wasted), tokens(respond)) == ("respond", tokens(responded), tokens(responded))
    assert tokens(found.total) == together([broken, classified, responded])
    # so do the counters of the workers
    counted = dict.fromkeys(("prompt", "output", "thinking"), 0), dict.fromkeys(("prompt", "output", "thinking"), 0)
    for replica in pipeline.replicas.values():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(replica.service.app), base_url="http://it") as http:
            for family in text_string_to_metric_families((await http.get("/metrics")).text):
                for sample in family.samples:
                    assert sample.name != "penstock_model_cost_usd_total"  # no price is known, and that is not 0
                    if sample.name == "penstock_model_tokens_total":
                        counted[sample.labels["use"] == "wasted"][sample.labels["kind"]] += int(sample.value)
    kept, wasted = (tuple(one.values()) for one in counted)
    assert wasted == tokens(found.total.wasted)
    assert tuple(map(sum, zip(kept, wasted, strict=True))) == tokens(found.total)


async def test_a_call_that_is_cut_off_before_it_says_anything_is_unmetered(
    pipeline: Pipeline, gateway: GatewayServer
) -> None:
    await pipeline.gemini.rule(step="classify", fault={"hang": True})
    async with pipeline.settlements() as settlements:
        job = await pipeline.submit("routing", BODY)
        await pipeline.gemini.wait(job=job)
        await jobs.cancel(pipeline.bus, named(job))
        await settlements.wait_for("ACK")
    total = (await used(gateway)).total
    assert (total.calls, total.unmetered, total.wasted.unmetered, tokens(total)) == (1, 1, 1, (0, 0, 0))


async def test_a_step_that_fails_has_cost_what_its_attempts_have(pipeline: Pipeline, gateway: GatewayServer) -> None:
    await pipeline.gemini.rule(step="classify", fault={"truncate": True})
    job = await pipeline.submit("routing", BODY)
    await pipeline.failure(job)
    found = await used(gateway)
    assert tokens(found.total) == tokens(found.total.wasted) == together(await pipeline.gemini.calls(job=job))


async def test_a_worker_that_is_stopped_in_the_middle_of_a_call_tells_what_it_cost(
    pipeline: Pipeline, gateway: GatewayServer
) -> None:
    await pipeline.gemini.rule(step="respond", times=1, reply={"hold": "respond"})
    job = await pipeline.submit("routing", BODY)
    (held,) = await pipeline.gemini.wait(held="respond")
    async for event in pipeline.following(job):
        if isinstance(event, Delta) and event.k == "respond-1":
            break
    await pipeline.stop("workers", grace=0)
    await pipeline.start("workers")
    await pipeline.result(job)
    *_, cut_off, again = await pipeline.gemini.calls(job=job)
    assert (cut_off.id, cut_off.status) == (held.id, "disconnected")
    (row,) = [row for row in (await used(gateway)).rows if row.step == "respond"]
    assert tokens(row.wasted) == tokens(cut_off)
    assert tokens(row) == together([cut_off, again])
    assert row.unmetered == 0
    assert (await pipeline.outcomes(job))["respond-1"].usage.calls == 2


async def test_an_attempt_that_its_process_did_not_survive_is_counted_without_what_it_cost(
    settings: Settings, gemini: Steering
) -> None:
    """It has told that it began, and nobody else can say more. What the next one costs is counted as ever."""
    async with pipeline_of(settings, gemini, "aggregator", "classifier") as pipeline:
        durable = subjects.step_consumer("workers", "routing", "respond")
        consumer = await pipeline.bus.jetstream.pull_subscribe_bind(durable=durable, stream=subjects.STEPS)
        job = await pipeline.submit("routing", BODY)
        (message,) = await consumer.fetch(1, timeout=PATIENCE)
        began = StepStarted(k="respond-1", a=1, i="dead", n=0, step="respond", service="workers")
        await pipeline.bus.append(subjects.events(named(job)), EVENT.dump_json(began))
        await message.nak()
        await consumer.unsubscribe()
        await pipeline.start("workers")
        await pipeline.result(job)
        await Folding(pipeline.bus).fold()
        found = await report(pipeline.bus, *days(None, None), ("step", "model"))
        assert tokens(found.total) == together(await gemini.calls(job=job))
    (lost,) = [row for row in found.rows if row.unmetered]
    assert (lost.step, lost.model, lost.calls, lost.unmetered, tokens(lost)) == ("respond", "", 0, 1, (0, 0, 0))


async def test_usage_is_the_same_over_http_over_nats_and_in_the_terminal(
    pipeline: Pipeline, gateway: GatewayServer
) -> None:
    """The simulator's models have no price, and no price is not 0."""
    await pipeline.run("routing", BODY)
    by = columns("model,day,pattern")
    assert by == ("day", "pattern", "model")
    url = str(gateway.http.base_url)
    async with HttpClient(url) as over_http, NatsClient(pipeline.settings) as over_nats:
        found = await over_http.usage(by=by)
        assert found == await over_nats.usage(by=by)
    assert [(row.pattern, row.cost_usd, row.unpriced_calls) for row in found.rows] == [("routing", None, 2)]
    assert json.loads((await gateway.http.get("/usage")).content)["total"]["costUsd"] is None
    assert await terminal(url, "--by", "day,pattern,model") == found.model_dump_json(indent=2)
    text = (await gateway.http.get("/usage", params={"by": ",".join(by)}, headers={"Accept": "text/csv"})).text
    assert await terminal(url, "--by", "day,pattern,model", "--csv") == text.replace("\r\n", "\n").rstrip()
    heading, *rows = csv.reader(text.splitlines())
    assert heading[:4] == ["day", "pattern", "model", "calls"]
    assert [row[heading.index("cost_usd")] for row in rows] == [""]


async def terminal(url: str, *arguments: str) -> str:
    command = sys.executable, "-m", "penstock", "usage", "--url", url, *arguments
    process = await asyncio.create_subprocess_exec(*command, env=os.environ, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0
    return out.decode().replace("\r\n", "\n").rstrip()


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"by": "job"}, "/query/by"),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "/query/from"),
        ({"from": "0001-01-01"}, "/query/from"),
        ({"to": "yesterday"}, "/query/to"),
    ],
)
async def test_what_cannot_be_told_is_refused(gateway: GatewayServer, query: dict[str, str], pointer: str) -> None:
    answer = await gateway.http.get("/usage", params=query)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_cell_is_no_formula_and_what_has_a_price_names_its_list() -> None:
    """A model calls itself what it wants."""
    row = UsageRow(model="=1+1", calls=1, cost_usd=0.5)
    found = UsageReport.model_validate(
        {"from": "2026-11-01", "to": "2026-11-01", "rows": [row], "total": row, "prices": [PRICES]}
    )
    assert as_csv(found, ("model",)).splitlines()[1].startswith("'=1+1,1,0,0,0,0,0,0.5,0,")
    assert PRICES.startswith("genai-prices ")
