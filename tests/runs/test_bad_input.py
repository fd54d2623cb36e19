"""Whatever is published as a job ends: bad input is not lost, not retried, and harms nobody else."""

import json

import pytest

from penstock.contracts.events import JobFailed, SubmissionRefused, texts_of
from penstock.jetstream import subjects
from tests.fuzz.nats_publications import Publication, publish
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline

GOOD = {"query": "Our API answers 502 since the deploy"}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"query": 5}', "/query"),
        (b"{}", "/query"),
        (b'{"query": "x", "quarry": "y"}', "/quarry"),
        (b'{"query": "x", "options": {"deadlineSeconds": -1}}', "/options/deadlineSeconds"),
        (b"no JSON at all", ""),
        (b"", ""),
        (b"\xff\xfe\x00", ""),
        (b"[" * 100_000, ""),
    ],
    ids=["wrong-type", "missing", "unknown", "options", "no-json", "empty", "no-utf-8", "deep"],
)
async def test_a_body_that_does_not_fit_fails_its_job_with_the_reason(
    pipeline: Pipeline, body: bytes, named: str
) -> None:
    """The event names the field, the message is kept in DEAD with its origin, and the next job runs."""
    failed = await pipeline.failure(await pipeline.submit("routing", body, "x"))
    assert failed.problem.code == "invalid_request"
    assert failed.problem.errors is not None
    assert named in [error.pointer for error in failed.problem.errors]
    assert failed.problem.detail.startswith(f"{failed.problem.errors[0].pointer or 'body'}: ")
    await _one_dead_letter(pipeline, "invalid_request", "jobs.default.routing.x", body)
    assert (await pipeline.run("routing", GOOD))["response"]


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/json"},
        {"content-type": "nonsense/;;;", "correlation_id": "", "reply_to": "jobs.default.routing.y"},
        {"Penstock-Tenant": "t" * 5000, "Penstock-Reason": "none", "Nats-Msg-Id": "x"},
    ],
    ids=["json", "nonsense", "ours"],
)
async def test_headers_change_nothing(pipeline: Pipeline, headers: dict[str, str]) -> None:
    """Frameworks decode by headers; here the body is JSON whatever they say."""
    await pipeline.bus.once(subjects.job("routing", named("bad")), b"no JSON at all", headers=headers)
    await pipeline.bus.once(
        subjects.job("routing", named("good")), json.dumps(GOOD).encode(), headers=headers | {"Nats-Msg-Id": "y"}
    )
    assert (await pipeline.failure("bad")).problem.code == "invalid_request"
    assert (await pipeline.result("good"))["response"]
    await _one_dead_letter(pipeline, "invalid_request", "jobs.default.routing.bad", b"no JSON at all")


async def test_an_unknown_pattern_fails_the_job(pipeline: Pipeline) -> None:
    """The reason names the patterns there are."""
    failed = await pipeline.failure(await pipeline.submit("rooting", GOOD, "x"))
    assert failed.problem.code == "unknown_pattern"
    assert "routing" in failed.problem.detail
    await _one_dead_letter(pipeline, "unknown_pattern", "jobs.default.rooting.x", json.dumps(GOOD).encode())


@pytest.mark.parametrize("job", ["ümlaut", "x" * 65, "a$b", "a=b"])
async def test_a_job_id_that_is_no_token_is_answered_where_its_caller_listens(pipeline: Pipeline, job: str) -> None:
    """And kept in DEAD; it is no job for anybody else."""
    live = await pipeline.bus.connection.subscribe(subjects.live(named(job)))
    await pipeline.submit("routing", GOOD, job)
    failed = JobFailed.model_validate_json((await live.next_msg(PATIENCE)).data)
    assert failed.problem.code == "invalid_request"
    assert "a job id is 1 to 64" in failed.problem.detail
    assert (await pipeline.run("routing", GOOD))["response"]
    await _one_dead_letter(pipeline, "invalid_request", f"jobs.default.routing.{job}", json.dumps(GOOD).encode())


async def test_an_id_that_would_be_a_chat_s_is_dead_lettered(pipeline: Pipeline) -> None:
    """What EVENTS has of the chat stays as it is."""
    chat = "chat=0123"
    async with pipeline.settlements() as settlements:
        await pipeline.submit("routing", GOOD, chat)
        await settlements.wait_for("TERM", stream=subjects.JOBS)
    await _one_dead_letter(pipeline, "invalid_request", f"jobs.default.routing.{chat}", json.dumps(GOOD).encode())
    assert await pipeline.bus.last_from_leader(subjects.events(named(chat))) is None


async def test_an_id_that_another_pattern_has_taken_is_answered_where_its_caller_listens(pipeline: Pipeline) -> None:
    """The other job goes on, and its readers see nothing of it."""
    await pipeline.gemini.rule(step="respond", reply={"hold": "respond"})
    live = await pipeline.bus.connection.subscribe(subjects.live(named("mine")))
    await pipeline.submit("routing", GOOD, "mine")
    await pipeline.gemini.wait(step="respond")
    await pipeline.submit("sequential-processing", {"input": "A solar lamp"}, "mine")
    event = {"type": ""}
    while event["type"] != "submission.refused":
        *_, event = map(json.loads, texts_of((await live.next_msg(PATIENCE)).data))
    refused = SubmissionRefused.model_validate(event)
    assert (refused.pattern, refused.problem.code) == ("sequential-processing", "job_id_taken")
    assert "first submitted to routing" in refused.problem.detail
    await pipeline.gemini.release("respond")
    assert (await pipeline.result("mine"))["response"]
    body = json.dumps({"input": "A solar lamp"}).encode()
    await _one_dead_letter(pipeline, "job_id_taken", "jobs.default.sequential-processing.mine", body)


async def test_a_body_as_large_as_the_server_takes_fails_like_any_other(pipeline: Pipeline) -> None:
    """Its copy in DEAD is cut to leave room for the headers, and says how long it was."""
    body = b'{"query": "' + b"x" * (pipeline.bus.connection.max_payload - 13) + b'"}'
    assert len(body) == pipeline.bus.connection.max_payload
    await pipeline.bus.jetstream.publish(subjects.job("routing", named("huge")), body)
    assert (await pipeline.failure("huge")).problem.code == "invalid_request"
    (letter,) = [letter async for letter in pipeline.bus.history("dead.>")]
    assert letter.headers[subjects.DEAD_LENGTH_HEADER] == str(len(body))
    assert body.startswith(letter.data)
    assert (await pipeline.run("routing", GOOD))["response"]


async def _one_dead_letter(pipeline: Pipeline, reason: str, subject: str, body: bytes) -> None:
    (letter,) = [letter async for letter in pipeline.bus.history("dead.>")]
    assert letter.data == body
    assert letter.headers[subjects.DEAD_REASON_HEADER] == reason
    assert letter.headers[subjects.DEAD_SUBJECT_HEADER] == subject
    assert letter.headers[subjects.DEAD_STREAM_HEADER] == subjects.JOBS
    assert int(letter.headers[subjects.DEAD_SEQUENCE_HEADER]) > 0
    assert letter.headers[subjects.DEAD_DETAIL_HEADER]


@pytest.mark.parametrize(
    "block", [b"NAA", b"NATS/1.0", b"NATS/1.0 \xff\r\n\r\n", b"NATS/1.0 409 Gone\r\n\r\n", b"\0" * 99]
)
async def test_headers_that_are_none_change_nothing_either(pipeline: Pipeline, block: bytes) -> None:
    """The server takes any block of bytes for headers; some of them look like its own status."""
    body = json.dumps(GOOD).encode()
    await publish(pipeline.settings.nats_url, Publication(b"jobs.default.routing.odd", block, body))
    assert (await pipeline.result("odd"))["response"]
    answer = await publish(pipeline.settings.nats_url, Publication(b"penstock.submit.default.routing", block, body))
    assert (await pipeline.result(answer.value["id"]))["response"]


async def test_a_subject_that_is_no_utf_8_is_refused_like_others(pipeline: Pipeline) -> None:
    """And cuts nobody off: neither as a job nor as a request."""
    for subject, code in (
        (b"jobs.default.routing.\xff", ""),
        (b"jobs.default.\xff.good", ""),
        (b"penstock.submit.default.\xff", "unknown_pattern"),
    ):
        answer = await publish(pipeline.settings.nats_url, Publication(subject, b"", json.dumps(GOOD).encode()))
        assert answer.value.get("code", "") == code
    assert (await pipeline.failure("good")).problem.code == "unknown_pattern"
    letters = [letter.headers async for letter in pipeline.bus.history("dead.>")]
    assert {letter[subjects.DEAD_SUBJECT_HEADER]: letter[subjects.DEAD_REASON_HEADER] for letter in letters} == {
        "jobs.default.routing.\ufffd": "invalid_request",
        "jobs.default.\ufffd.good": "unknown_pattern",
    }
    assert (await pipeline.run("routing", GOOD))["response"]
