"""A job whose request names a webhook tells its end there, whatever happens on the way."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import time
from typing import Any

import pytest

from penstock import jobs
from penstock.contracts.journal import END, START, JobEnd, JobStart
from penstock.contracts.options import Options, PatternRequest
from penstock.contracts.webhook import Hook
from penstock.jetstream import subjects
from penstock.webhooks.delivery import enqueue
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline
from tests.support.servers import NatsServer
from tests.webhooks.conftest import SECRET
from tests.webhooks.hooked_jobs import asking, ended, verified
from tests.webhooks.receiver import Receiver


async def dead_letter(pipeline: Pipeline, job: str) -> dict[str, str]:
    """The headers of the dead letter of a job's hook, once it is there."""
    heard = await pipeline.bus.connection.subscribe("dead.>")
    await pipeline.bus.connection.flush()
    known = [
        letter for letter in await pipeline.dead_letters() if letter["Nats-Subject"] == f"dead.hooks.default.{job}"
    ]
    headers = known[0] if known else (await heard.next_msg(10)).headers
    await heard.unsubscribe()
    assert headers is not None
    return headers


async def queued(pipeline: Pipeline) -> int:
    return (await pipeline.bus.jetstream.stream_info(subjects.HOOKS)).state.messages


async def test_the_end_is_posted_and_signed(pipeline: Pipeline) -> None:
    """Type, time and the whole result; the signature is HMAC-SHA256 over id, timestamp and body."""
    async with Receiver() as receiver:
        job = await pipeline.submit("routing", asking(receiver.url))
        (one,) = await receiver.until(1)
        result = await pipeline.result(job)
    payload = verified(one)
    assert payload["type"] == "job.completed"
    assert payload["data"] | {"usage": None} == {
        "id": job,
        "pattern": "routing",
        "status": "completed",
        "result": result,
        "truncated": False,
        "missing": [],
        "usage": None,
    }
    signed = b".".join((one.headers["webhook-id"].encode(), one.headers["webhook-timestamp"].encode(), one.body))
    mac = hmac.new(base64.b64decode(SECRET.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert one.headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"
    assert one.headers["content-type"] == "application/json"


async def test_a_failure_is_told_with_its_problem(pipeline: Pipeline) -> None:
    async with Receiver() as receiver:
        body = asking(receiver.url)
        body["options"]["deadlineSeconds"] = 0.001
        await pipeline.submit("routing", body)
        payload = verified((await receiver.until(1))[0])
    assert (payload["type"], payload["data"]["problem"]["code"]) == ("job.failed", "deadline_exceeded")
    assert "result" not in payload["data"]


async def test_a_cancelled_job_is_told_as_well(pipeline: Pipeline) -> None:
    """Whoever cancels only writes the end; the aggregator that meets it sends it."""
    await pipeline.replicas["aggregator"].stop()
    async with Receiver() as receiver:
        job = await pipeline.submit("routing", asking(receiver.url))
        await jobs.cancel(pipeline.bus, named(job))
        await pipeline.start("aggregator")
        payload = verified((await receiver.until(1))[0])
    assert (payload["type"], payload["data"]["id"]) == ("job.cancelled", job)


async def test_it_is_tried_again_until_a_2xx_and_never_redirected(pipeline: Pipeline) -> None:
    """Every try has the same webhook-id and a signature of its own; where a 3xx points, nothing arrives."""
    async with Receiver() as elsewhere, Receiver(500, (302, [("Location", elsewhere.url)]), 429, 201) as receiver:
        await pipeline.submit("routing", asking(receiver.url))
        tries = await receiver.until(4)
    assert len({one.headers["webhook-id"] for one in tries}) == 1
    assert [verified(one)["type"] for one in tries] == ["job.completed"] * 4
    assert elsewhere.received == []


async def test_an_end_whose_webhook_was_never_queued_is_told_at_the_next_delivery(pipeline: Pipeline) -> None:
    """The replica that wrote the end died before it could queue the webhook."""
    async with Receiver() as receiver:
        body = json.dumps(asking(receiver.url)).encode()
        digest = hashlib.sha256(body).hexdigest()
        start = JobStart(pattern="routing", body_hash=digest, accepted_at=0, deadline=time.time() + 60)
        end = JobEnd(pattern="routing", status="cancelled", ended_at=time.time())
        await pipeline.bus.once(subjects.journal(named("mute"), START), start.model_dump_json().encode())
        await pipeline.bus.once(subjects.journal(named("mute"), END), end.model_dump_json().encode())
        await pipeline.submit("routing", body, "mute")
        assert verified((await receiver.until(1))[0])["type"] == "job.cancelled"


async def test_410_ends_it(pipeline: Pipeline) -> None:
    async with Receiver(410) as receiver:
        job = await pipeline.submit("routing", asking(receiver.url))
        letter = await dead_letter(pipeline, job)
        assert len(receiver.received) == 1
    assert letter[subjects.DEAD_REASON_HEADER] == "webhook_gone"


async def test_after_the_last_try_there_is_a_dead_letter(pipeline: Pipeline) -> None:
    """It says why, and the queue holds nothing any more."""
    async with Receiver(503) as receiver:
        job = await pipeline.submit("routing", asking(receiver.url))
        letter = await dead_letter(pipeline, job)
        # its dead letter is written before it leaves the queue; a term is not answered
        await pipeline.bus.connection.flush()
        assert 2 <= len(receiver.received) <= 6
    assert letter[subjects.DEAD_REASON_HEADER] == "webhook_undelivered"
    assert letter[subjects.DEAD_DETAIL_HEADER] == "127.0.0.1: HTTP 503"


async def test_a_receiver_that_does_not_answer_holds_up_no_run(pipeline: Pipeline) -> None:
    """Deliveries have slots of their own."""
    await pipeline.replicas["aggregator"].stop()
    aggregator = await pipeline.start("aggregator", webhook_slots=1, webhook_timeout=60, runs=1, grace=0.1)
    async with Receiver(0) as receiver:
        await pipeline.submit("routing", asking(receiver.url))
        await receiver.until(1)
        await pipeline.run("routing", {"query": "Write a slogan"})
        assert len(receiver.received) == 1
        await aggregator.stop()


async def test_a_receiver_that_does_not_answer_is_tried_again_after_a_time_out(pipeline: Pipeline) -> None:
    await pipeline.replicas["aggregator"].stop()
    await pipeline.start("aggregator", webhook_timeout=0.5)
    async with Receiver(0, 204) as receiver:
        await pipeline.submit("routing", asking(receiver.url))
        await receiver.until(2)


async def test_deliveries_survive_restarts(pipeline: Pipeline, nats: NatsServer) -> None:
    """The receiver is away, then the aggregator, then NATS; once all are back, the webhook arrives."""
    await pipeline.replicas["aggregator"].stop()
    patient: dict[str, Any] = {"webhook_retry_delays": (0.2,) * 150}
    first = await pipeline.start("aggregator", **patient)
    async with Receiver() as away:
        pass
    job = await pipeline.submit("routing", asking(away.url))
    await pipeline.result(job)
    for replica in (first, pipeline.replicas["classifier"], pipeline.replicas["workers"]):
        await replica.stop()
    await nats.stop()
    await nats.start()
    await pipeline.start("aggregator", **patient)
    async with away:
        payload = verified((await away.until(1))[0])
    assert payload["data"]["id"] == job


async def test_a_delivery_that_a_deploy_cuts_off_is_taken_up_at_once(pipeline: Pipeline) -> None:
    """The replica that goes down hands it back; another one sends it, without waiting for the next planned try."""
    await pipeline.replicas["aggregator"].stop()
    leaving = await pipeline.start("aggregator", grace=0.1, webhook_retry_delays=(3600,))
    async with Receiver(0, 204) as receiver:
        await pipeline.submit("routing", asking(receiver.url))
        await receiver.until(1)
        await leaving.stop()
        await pipeline.start("aggregator")
        tries = await receiver.until(2)
    assert len({one.headers["webhook-id"] for one in tries}) == 1


async def test_a_result_that_is_too_large_is_left_out(pipeline: Pipeline) -> None:
    """The receiver is told so, and fetches the job if it wants the result."""
    await pipeline.replicas["aggregator"].stop()
    await pipeline.start("aggregator", webhook_max_body=1024)
    await pipeline.gemini.rule(step="draft", reply={"text": "all about rivers " * 100})
    async with Receiver() as receiver:
        await pipeline.submit("sequential-processing", {"input": "rivers", "options": {"webhook": receiver.url}})
        (one,) = await receiver.until(1)
    assert len(one.body) <= 1024
    assert verified(one)["data"]["truncated"] is True
    assert "result" not in verified(one)["data"]


async def test_a_job_that_is_delivered_again_queues_one_hook(pipeline: Pipeline) -> None:
    await pipeline.replicas["aggregator"].stop()
    request = PatternRequest(options=Options(webhook="https://hooks.example/"))
    for _ in range(3):
        await enqueue(pipeline.bus, named("job-1"), request)
    assert await queued(pipeline) == 1


async def test_neither_secret_nor_url_is_logged(pipeline: Pipeline, caplog: pytest.LogCaptureFixture) -> None:
    """Nor are they in a dead letter's headers: a URL may carry a token of the receiver's."""
    caplog.set_level(logging.DEBUG)
    async with Receiver(500, 410) as receiver:
        job = await pipeline.submit("routing", asking(receiver.url))
        letter = await dead_letter(pipeline, job)
    ours = [record for record in caplog.records if record.name.startswith("penstock")]
    delivered = json.dumps([vars(record) for record in ours], default=str) + json.dumps(letter)
    assert any(record.message == "webhook is tried again" for record in ours)
    assert "very-secret" not in delivered
    assert SECRET.removeprefix("whsec_") not in delivered


async def test_a_message_that_is_no_hook_is_put_aside(pipeline: Pipeline) -> None:
    await pipeline.bus.append(subjects.hook(named("job-1")), b"no hook")
    letter = await asyncio.wait_for(dead_letter(pipeline, "job-1"), PATIENCE)
    assert letter[subjects.DEAD_REASON_HEADER] == "invalid_hook"


@pytest.mark.parametrize("url", ["https://xn--a/x", "https://hooks..example/"])
async def test_what_goes_wrong_in_any_way_ends_in_a_dead_letter(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    """A hook that an earlier version took: its tries are counted like those of any other, without tracebacks."""
    await pipeline.bus.append(subjects.hook(named("job-1")), Hook(url=url).model_dump_json().encode())
    await ended(pipeline.bus, "job-1", "routing")
    letter = await dead_letter(pipeline, "job-1")
    assert letter[subjects.DEAD_REASON_HEADER] == "webhook_undelivered"
    assert not [record for record in caplog.records if record.exc_info]


async def test_an_end_that_cannot_be_read_ends_in_a_dead_letter(pipeline: Pipeline) -> None:
    """So does what nobody has thought of."""
    await pipeline.bus.append(subjects.journal(named("job-1"), END), b"no end")
    await pipeline.bus.append(subjects.hook(named("job-1")), Hook(url="http://127.0.0.1:1/").model_dump_json().encode())
    letter = await dead_letter(pipeline, "job-1")
    assert letter[subjects.DEAD_REASON_HEADER] == "webhook_undelivered"
    assert letter[subjects.DEAD_DETAIL_HEADER] == "127.0.0.1: ValidationError"
