"""A request's id and trace go along with its job: to each step, whoever runs the job by then, and to its webhook."""

import json

import pytest

from penstock import jobs
from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.patterns.loading import load
from penstock.settings import Settings
from tests.authors import approving
from tests.support.log_records import lines_of, logged
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline
from tests.webhooks.conftest import SECRET
from tests.webhooks.hooked_jobs import verified
from tests.webhooks.receiver import Receiver

NAME = f"{approving.__name__}:PATTERN"
CAME = {"X-Request-Id": "order-1", "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    webhooks = Settings(webhook_secret=SECRET, webhook_allowed_hosts="127.0.0.1:*")
    changed = webhooks.model_dump(include=webhooks.model_fields_set)
    # nobody who lives is taken for dead, however busy the machine is
    return settings.model_copy(update={**changed, "patterns": (NAME,), "ack_wait": 60})


async def publish(bus: Bus, job: JobName, webhook: str | None = None, **headers: str) -> None:
    body = {"topic": "a lantern", "options": {"webhook": webhook} if webhook else {}}
    await bus.once(subjects.job("approving", job), json.dumps(body).encode(), headers=headers)


async def test_steps_and_webhook_of_a_job_have_its_headers(pipeline: Pipeline) -> None:
    """Also those that it asks for once it has waited, and so another message was what woke it."""
    asked = await pipeline.bus.connection.subscribe("steps.>")
    async with Receiver() as receiver:
        job = JobName("default", "job-1")
        await publish(pipeline.bus, job, receiver.url, **CAME)
        for number in (1, 2, 3):
            headers = (await asked.next_msg(PATIENCE)).headers or {}
            assert {name: headers.get(name) for name in CAME} == CAME, number
            said = json.dumps({"approved": number == 3}).encode()
            await jobs.signal(pipeline.bus, load([NAME]), job, f"approval-{number}", said)
        (told,) = await receiver.until(1)
    assert verified(told)["type"] == "job.completed"
    assert (told.headers["x-request-id"], told.headers["traceparent"]) == tuple(CAME.values())


@pytest.mark.parametrize("headers", [{}, {"X-Request-Id": "two words", "traceparent": "00-0-0-00"}])
async def test_without_headers_that_fit_a_job_goes_by_its_own_id(pipeline: Pipeline, headers: dict[str, str]) -> None:
    asked = await pipeline.bus.connection.subscribe("steps.>")
    await publish(pipeline.bus, JobName("default", "job-1"), **headers)
    sent = (await asked.next_msg(PATIENCE)).headers or {}
    assert (sent.get("X-Request-Id"), sent.get("traceparent")) == ("job-1", None)


async def test_a_problem_has_time_job_and_request(pipeline: Pipeline) -> None:
    """The step's, in its outcome and event, and the job's: by NATS's time."""
    await pipeline.gemini.rule(step="classify", fault={"status": 400})
    job = JobName("default", "job-1")
    await pipeline.bus.once(subjects.job("routing", job), b'{"query": "x"}', headers=CAME)
    failed = await pipeline.failure("job-1")
    outcome = (await pipeline.outcomes("job-1"))["classify-1"]
    assert failed.problem == outcome.failure
    assert (failed.problem.job, failed.problem.request_id, failed.problem.step) == ("job-1", "order-1", "classify-1")
    assert failed.problem.timestamp is not None
    end = await pipeline.end("job-1")
    assert 0 <= end.ended_at - failed.problem.timestamp.timestamp() < PATIENCE


async def test_a_refusal_over_nats_has_them_too(pipeline: Pipeline) -> None:
    await pipeline.start("aggregator")
    for headers, wanted in ((CAME, "order-1"), ({}, None)):
        subject = subjects.api("status", "default")
        answer = await pipeline.bus.connection.request(subject, b'{"id": "none"}', PATIENCE, headers=dict(headers))
        problem = json.loads(answer.data)
        assert (problem["code"], wanted or problem["requestId"]) == ("unknown_job", problem["requestId"])
        assert problem["timestamp"].endswith("Z")


async def test_a_log_says_what_it_is_about(pipeline: Pipeline) -> None:
    """Whatever is logged while a step is executed: here, that it is tried again, and the calls of the model."""
    with lines_of("penstock") as lines, logged("penstock.runs.told", "job completed") as told:
        await pipeline.gemini.rule(step="classify", times=1, fault={"status": 503})
        job = JobName("default", "job-1")
        await pipeline.bus.once(subjects.job("routing", job), b'{"query": "x"}', headers=CAME)
        await told.times(1)
    of_the_step = {"job": "job-1", "tenant": "default", "pattern": "routing", "step": "classify", "key": "classify-1"}
    of_the_request = {"request": "order-1", "trace_id": CAME["traceparent"].split("-")[1]}
    about = of_the_request | of_the_step | {"attempt": 1}
    (again,) = [line for line in lines if line["message"] == "step is tried again"]
    assert about.items() <= again.items()
    calls = [(line["message"], line["attempt"]) for line in lines if of_the_step.items() <= line.items()]
    first, second = [("model call begins", 1), ("model call failed", 1)], [("model call begins", 2)]
    assert calls == [*first, ("step is tried again", 1), *second, ("model call completed", 2)]
    of_the_run = [line["message"] for line in lines if "key" not in line and line.get("request") == "order-1"]
    assert of_the_run == ["job begins", "job completed"]
