"""Metrics: what a service counts does not grow with what it has done, and holds every token."""

import re
from collections import Counter

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from penstock import jobs
from penstock.contracts.events import Delta
from penstock.contracts.waiting import shift_key
from penstock.installed import __version__
from penstock.jetstream import subjects
from penstock.jetstream.consumers import consumers
from penstock.jetstream.partitions import stream_of
from penstock.runs.backlog import Backlog, BacklogMetrics
from penstock.settings import Settings
from tests.support.gateway_process import GatewayServer
from tests.support.naming import named
from tests.support.partitions import in_partitions
from tests.support.pipeline import Pipeline, pipeline_of
from tests.support.simulator import Steering


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"cache": True})


async def shown(pipeline: Pipeline) -> str:
    """What the three services' /metrics show."""
    text = ""
    for replica in pipeline.replicas.values():
        app = replica.service.app
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
            text += (await client.get("/metrics")).text
    return text


def value(text: str, name: str, **labels: str) -> float:
    """The sum of all samples called `name` with these labels."""
    families = text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


async def test_series_are_of_kinds_of_steps_and_never_of_jobs(pipeline: Pipeline) -> None:
    """A label for each job would be memory for each job, for ever."""
    numbers = []
    async with pipeline.settlements() as settlements:
        for number in range(2):
            job = await pipeline.submit("routing", {"query": f"Where is order {number}?"})
            await pipeline.result(job)
            await settlements.wait_for("ACK", number + 1, stream="JOBS")
            text = await shown(pipeline)
            assert job not in text
            numbers.append(len(re.findall(r"^penstock_(?!backlog|stream)", text, re.MULTILINE)))
    assert numbers[0] == numbers[1]


async def test_a_job_is_counted_with_its_steps_attempts_and_calls(pipeline: Pipeline) -> None:
    """One call breaks off: its attempt is made again, and what it wrote is void. The same question costs nothing."""
    await pipeline.gemini.rule(step="classify", times=1, fault={"breakAfterChunks": 2})
    async with pipeline.settlements() as settlements:
        for _ in range(2):
            await pipeline.run("routing", {"query": "Where is my order?"})
        await settlements.wait_for("ACK", 2, stream="JOBS")
    text = await shown(pipeline)
    classify, respond = {"pattern": "routing", "step": "classify"}, {"pattern": "routing", "step": "respond"}
    assert value(text, "penstock_jobs_total", pattern="routing", end="completed") == 2
    assert value(text, "penstock_job_duration_seconds_count", pattern="routing") == 2
    assert value(text, "penstock_step_attempts_total", **classify, end="retried") == 1
    assert value(text, "penstock_step_attempts_total", **classify, end="completed") == 2
    assert value(text, "penstock_step_errors_total", **classify, code="model_unavailable") == 1
    assert value(text, "penstock_step_resets_total", **classify) == 1
    assert value(text, "penstock_step_resets_total", **respond) == 0
    for name in ("queue_wait", "first_token", "duration"):
        assert value(text, f"penstock_step_{name}_seconds_count", **respond) == 2, name
    assert value(text, "penstock_model_errors_total", code="model_unavailable") == 1
    assert value(text, "penstock_model_call_seconds_count") == 2
    assert value(text, "penstock_model_cache_questions_total", **respond, result="miss") == 1
    assert value(text, "penstock_model_cache_questions_total", **respond, result="hit") == 1


async def test_a_job_that_failed_is_counted_by_its_code(pipeline: Pipeline) -> None:
    await pipeline.gemini.rule(step="classify", fault={"status": 401})
    async with pipeline.settlements() as settlements:
        await pipeline.failure(await pipeline.submit("routing", {"query": "Where is my order?"}))
        await settlements.wait_for("ACK", stream="JOBS")
    text = await shown(pipeline)
    assert value(text, "penstock_jobs_total", pattern="routing", end="failed") == 1
    assert value(text, "penstock_job_failures_total", pattern="routing", code="model_unauthorized") == 1
    assert value(text, "penstock_step_attempts_total", step="classify", end="failed") == 1


async def test_a_process_shows_what_it_is_and_whether_it_is_ready(pipeline: Pipeline) -> None:
    text = await shown(pipeline)
    for service in pipeline.replicas:
        assert value(text, "penstock_build_info", service=service, version=__version__) == 1
    assert value(text, "penstock_ready") == len(pipeline.replicas)
    assert value(text, "penstock_slots", pool="shared") == 2 * pipeline.settings.slots + pipeline.settings.runs
    assert value(text, "penstock_slots_in_use") == 0


async def test_what_a_stream_delays_is_timed(gateway: GatewayServer) -> None:
    """From the model's piece to the socket, of what is sent as it comes."""
    answer = await gateway.http.post("/routing", json={"query": "Hi"}, headers={"Accept": "text/event-stream"})
    assert "event: delta" in answer.text
    text = (await gateway.http.get("/metrics")).text
    assert value(text, "penstock_stream_delay_seconds_count", format="sse") > 0
    assert value(text, "penstock_streams_open", format="sse") == 0


@in_partitions
async def test_what_waits_is_what_nats_has(settings: Settings, gemini: Steering) -> None:
    """Two steps, a parked job, one that was parked before, a dead letter."""
    async with pipeline_of(settings, gemini) as pipeline:
        bus, registry = pipeline.bus, CollectorRegistry()
        backlog = Backlog(bus, BacklogMetrics(registry))
        for key in ("classify-1", "classify-2"):
            await bus.once(subjects.step("classifier", "routing", "classify", named("job"), key, lane="low"), b"{}")
        for job, shifts in (("parked", 3), ("resumed", 2)):
            for number in range(shifts):
                await bus.once(subjects.journal(named(job), shift_key(number)), b"{}")
        await bus.append(subjects.dead("jobs.default.routing.job"), b"")
        backlog.saw(await consumers(bus, subjects.STEPS))
        await backlog.look()
        text = generate_latest(registry).decode()
    classify = {"service": "classifier", "pattern": "routing", "step": "classify"}
    assert value(text, "penstock_backlog") == value(text, "penstock_backlog", **classify, lane="low") == 2
    oldest = "penstock_backlog_oldest_seconds"
    assert value(text, oldest) == value(text, oldest, lane="low") > 0
    assert value(text, "penstock_backlog_served") == 0
    assert value(text, "penstock_jobs_parked") == value(text, "penstock_dead_letters") == 1
    stream = stream_of(bus.partitions.one(subjects.step("", "", "", named("job"), "")))
    held, most = (value(text, f"penstock_stream_{what}", stream=stream) for what in ("bytes", "limit_bytes"))
    assert 0 < held < most


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
