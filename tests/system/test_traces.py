"""One trace a job, through all processes, as a collector receives it: on `penstock up`."""

import asyncio
import os
import signal
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from penstock.patterns import PATTERNS
from tests.support.collector import CALLER, Collector, Seen, Tree
from tests.support.patience import PATIENCE
from tests.support.simulator import BlockingSteering
from tests.system.cli.system import System, until
from tests.webhooks.conftest import SECRET
from tests.webhooks.receiver import Receiver

#: The steps of each pattern's example, as they come one after the other; those on one line at once.
DRAWINGS = {
    "sequential-processing": "draft / evaluate / improve / evaluate",
    "routing": "classify / respond",
    "parallel-processing": "review-maintainability review-performance review-security / synthesize",
    "orchestrator-worker": "plan / execute-backend execute-database execute-documentation execute-frontend "
    "execute-testing / summarize",
    "evaluator-optimizer": "translate / evaluate-translation / improve-translation / evaluate-translation / explain",
    "multi-step-tool-usage": "think / calculate / think / validate-answer / think / conclude",
}
TOOLS = {"calculate", "validate-answer"}
#: The kind of a span that calls another system.
CLIENT = 3


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def shared_system(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    environment = {
        "PENSTOCK_ACK_WAIT": "8",  # nobody who lives is taken for dead, however busy the machine is
        "PENSTOCK_WEBHOOK_SECRET": SECRET,
        "PENSTOCK_WEBHOOK_ALLOWED_HOSTS": "127.0.0.1:*",
        "PENSTOCK_WEBHOOK_RETRY_DELAYS": "0.1",
    }
    given: dict[str, Any] = environment | collector.environment
    with System(tmp_path_factory.mktemp("traced") / "data", **given) as system:
        yield system


@pytest.fixture
def steering(shared_system: System) -> Iterator[BlockingSteering]:
    steering = BlockingSteering(shared_system.simulator_url)
    yield steering
    steering.clear()


@pytest.fixture
def http(shared_system: System) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shared_system.url("gateway"), timeout=PATIENCE, trust_env=False) as http:
        yield http


def submit(http: httpx.Client, pattern: str, body: dict[str, Any], **headers: str) -> str:
    answer = http.post(f"/{pattern}", json=body, headers={"Prefer": "respond-async", **headers})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def of(job: str, collector: Collector) -> list[Seen]:
    return [span for span in collector.spans if span.attributes.get("penstock.job.id") == job]


def names(spans: list[Seen]) -> list[str]:
    return [span.name for span in spans]


def attempts(tree: Tree) -> dict[str, list[str]]:
    """The attempts at each step."""
    return {step.attributes["penstock.key"]: names(tree.below(step)) for step in tree.steps()}


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_the_spans_of_a_job_are_its_pattern_s_drawing(
    pattern: Any, collector: Collector, http: httpx.Client, steering: BlockingSteering
) -> None:
    """Caller, request, job, steps in their order, an attempt at each, its model calls; by the journal's figures."""
    body = pattern.example.model_dump(mode="json", by_alias=True, exclude_unset=True)
    trace = os.urandom(16).hex()
    job = submit(http, pattern.name, body, traceparent=f"00-{trace}-{CALLER}-01")
    drawn = [sorted(stage.split()) for stage in DRAWINGS[pattern.name].split(" / ")]
    tree = collector.of_job(job, steps=sum(map(len, drawn)))
    state = http.get(f"/jobs/{job}").json()
    assert (tree.job.name, tree.job.service, tree.job.trace) == (pattern.name, "penstock-aggregator", trace)
    (request,) = [span for span in tree.spans if span.id == tree.job.parent]
    assert (request.name, request.service, request.parent) == (f"POST /{pattern.name}", "penstock-gateway", CALLER)

    steps = tree.steps()
    at = 0
    for stage in drawn:  # each is dispatched after the one before it
        assert sorted(names(steps[at : at + len(stage)])) == stage, names(steps)
        at += len(stage)
    told = {step["key"]: step for step in state["steps"]}
    assert sorted(told) == sorted(step.attributes["penstock.key"] for step in steps)
    calls = []
    for step in steps:
        assert step.service == ("penstock-classifier" if step.name == "classify" else "penstock-workers")
        (attempt,) = tree.below(step)
        assert attempt.name == "attempt 1"
        assert attempt.attributes.get("gen_ai.tool.name") == (step.name if step.name in TOOLS else None)
        own = tree.below(attempt)
        assert len(own) == told[step.attributes["penstock.key"]]["usage"]["calls"]
        assert len(own) == len(steering.calls(job=job, key=step.attributes["penstock.key"]))
        calls += own
    for name, wanted in (("input", "promptTokens"), ("reasoning.output", "thinkingTokens")):
        counted = [call.attributes.get(f"gen_ai.usage.{name}_tokens", 0) for call in calls]
        assert sum(counted) == state["usage"][wanted] == sum(step["usage"][wanted] for step in state["steps"])
    for call in calls:
        assert (call.kind, call.name) == (CLIENT, f"generate_content {call.attributes['gen_ai.request.model']}")
        assert call.attributes["gen_ai.response.model"].endswith(call.attributes["gen_ai.request.model"])
    assert len(tree.spans) == 2 + 2 * len(steps) + len(calls)
    assert (tree.repeated, [span.error for span in tree.spans if span.error]) == ([], [])
    texts = [text for text in body.values() if isinstance(text, str) and len(text) > 10]
    assert not [text for text in texts if text in str([span.attributes for span in tree.spans])]


def test_who_is_killed_leaves_no_false_span_and_takes_none_away(
    collector: Collector, shared_system: System, steering: BlockingSteering
) -> None:
    """A worker in the middle of a step, then the aggregator in the middle of another: the replay makes none again.

    The job came without a trace, past the gateway: its own is the same for both aggregators.
    """
    steering.rule(step="evaluate", times=1, reply={"hold": "evaluate"})
    steering.rule(step="improve", times=1, reply={"hold": "improve"})
    given = ["--input", "A solar lantern", "--detach", "--nats-url", shared_system.nats_url]
    job = shared_system.run("run", "sequential-processing", *given).stdout.strip()
    steering.wait(job=job, step="evaluate")
    collector.until(lambda: any(span.attributes.get("penstock.attempts") for span in of(job, collector)))  # the draft's
    kill(shared_system, "workers-1")
    steering.release("evaluate")
    steering.wait(job=job, step="improve")
    kill(shared_system, "aggregator-1")
    steering.release("improve")
    tree = collector.of_job(job, steps=4)
    once = ["attempt 1"]
    assert attempts(tree) == {"draft-1": once, "evaluate-1": ["attempt 2"], "improve-1": once, "evaluate-2": once}
    assert names(tree.steps()) == ["draft", "evaluate", "improve", "evaluate"]
    assert len(tree.spans) == 1 + 3 * 4
    assert (tree.job.parent, tree.repeated) == ("", [])


def test_an_attempt_that_fails_is_a_span_of_its_own(
    collector: Collector, http: httpx.Client, steering: BlockingSteering
) -> None:
    steering.rule(step="classify", times=1, fault={"status": 503})
    tree = collector.of_job(submit(http, "routing", {"query": "Where is my order?"}), steps=2)
    assert attempts(tree) == {"classify-1": ["attempt 1", "attempt 2"], "respond-1": ["attempt 1"]}
    errors = [span.name for span in tree.spans if span.error == "model_unavailable"]
    assert sorted(errors)[:1] == ["attempt 1"]
    assert len(errors) == 2
    assert tree.repeated == []


def test_a_job_that_is_cancelled_has_a_whole_trace(
    collector: Collector, http: httpx.Client, steering: BlockingSteering
) -> None:
    """The step that was at work ends with it."""
    steering.rule(step="classify", reply={"hold": "classify"})
    job = submit(http, "routing", {"query": "Where is my order?"})
    steering.wait(job=job, step="classify")
    assert http.delete(f"/jobs/{job}").status_code == 200
    tree = collector.of_job(job, steps=1)
    assert tree.job.attributes["penstock.status"] == "cancelled"
    assert [(step.name, step.error) for step in tree.steps()] == [("classify", "job_ended")]
    assert attempts(tree) == {"classify-1": ["attempt 1"]}


async def test_a_webhook_s_tries_belong_to_the_job_and_the_receiver_s_spans_to_them(
    collector: Collector, shared_system: System, http: httpx.Client
) -> None:
    async with Receiver(500, 204) as receiver:
        job = submit(http, "routing", {"query": "Where is it?", "options": {"webhook": receiver.url}})
        first, second = await receiver.until(2)

    def tries() -> list[Seen]:
        return [span for span in collector.spans if span.attributes.get("server.port") == receiver.port]

    await asyncio.to_thread(collector.until, lambda: len(tries()) == 2)
    tree = await asyncio.to_thread(partial(collector.of_job, job, steps=2))
    assert {span.parent for span in tries()} == {tree.job.id}
    sent = [(one.headers["traceparent"].split("-")[1:3]) for one in (first, second)]
    told = sorted(tries(), key=lambda span: span.begin)
    assert sent == [[tree.job.trace, span.id] for span in told]
    assert [(span.attributes["http.response.status_code"], span.error) for span in told] == [(500, "500"), (204, None)]


def test_a_trace_that_its_caller_does_not_sample_is_none(collector: Collector, http: httpx.Client) -> None:
    body, trace = {"query": "Where is my order?"}, os.urandom(16).hex()
    unsampled = submit(http, "routing", body, traceparent=f"00-{trace}-{CALLER}-00")
    until(lambda: http.get(f"/jobs/{unsampled}").json()["status"] == "completed", str)
    collector.of_job(submit(http, "routing", body), steps=2)  # by the same processes, later
    assert [span for span in collector.spans if span.trace == trace] == []


def test_jobs_go_on_while_the_collector_is_away(
    collector: Collector, shared_system: System, http: httpx.Client
) -> None:
    """It is said in the logs; later ones are exported again."""
    collector.away = True
    try:
        answer = http.post("/routing", json={"query": "x"}, headers={"Prefer": "respond-async, wait=60"})
        assert answer.status_code == 200, answer.text
        collector.until(lambda: collector.refused > 0)
    finally:
        collector.away = False
    collector.of_job(submit(http, "routing", {"query": "Where is my order?"}), steps=2)
    logs = shared_system.data / "logs"
    until(lambda: any("Transient error" in log.read_text() for log in logs.glob("*.log")), str)


def kill(system: System, name: str) -> None:
    """It is started again."""
    before = system.processes()[name]
    os.kill(before, signal.SIGKILL)
    until(lambda: system.processes().get(name, before) != before, system.output)
