"""Submit, status, cancel and the patterns, by request and reply."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
from nats.aio.msg import Msg

from penstock.jetstream import subjects
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline

QUERY = {"query": "Our API answers 502 since the deploy"}


async def ask(pipeline: Pipeline, subject: str, body: Any = None, **headers: str) -> Msg:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await pipeline.bus.connection.request(subject, data, timeout=PATIENCE, headers=named or None)


async def delivered(pipeline: Pipeline, subject: str, body: Any = None, **headers: str) -> dict[str, Any]:
    """The reply of a request that must be served."""
    reply = await ask(pipeline, subject, body, **headers)
    assert reply.headers is None, reply.headers
    answer: dict[str, Any] = json.loads(reply.data)
    return answer


async def refused(pipeline: Pipeline, subject: str, body: Any = None, **headers: str) -> dict[str, Any]:
    """The problem of a request that must be refused; the micro protocol's headers say the same."""
    reply = await ask(pipeline, subject, body, **headers)
    problem: dict[str, Any] = json.loads(reply.data)
    assert reply.headers is not None
    assert reply.headers["Nats-Service-Error-Code"] == str(problem["status"])
    assert reply.headers["Nats-Service-Error"].startswith(problem["code"] + ": ")
    return problem


async def test_a_submitted_job_can_be_looked_up_until_its_result_is_there(pipeline: Pipeline) -> None:
    submitted = await delivered(pipeline, "penstock.submit.default.routing", QUERY)
    assert (submitted["pattern"], submitted["status"]) == ("routing", "queued")
    result = await pipeline.result(submitted["id"])
    state = await delivered(pipeline, "penstock.status.default", {"id": submitted["id"]})
    assert (state["status"], state["result"]) == ("completed", result)


async def test_no_jobs_are_taken_before_those_that_run_lack_room(pipeline: Pipeline) -> None:
    """As over HTTP. A job that is known already is answered."""
    known = await delivered(pipeline, "penstock.submit.default.routing", QUERY, Penstock_Job="known")
    await pipeline.result(known["id"])
    journal = await pipeline.bus.jetstream.stream_info(subjects.JOURNAL)
    await pipeline.bus.jetstream.update_stream(journal.config.evolve(max_bytes=journal.state.bytes + 10))
    async with asyncio.timeout(PATIENCE):  # what it decides by is read once a second
        while (await ask(pipeline, "penstock.submit.default.routing", QUERY)).headers is None:
            pass
    problem = await refused(pipeline, "penstock.submit.default.routing", QUERY)
    assert (problem["code"], problem["status"]) == ("no_room", 503)
    assert "PENSTOCK_STORE_BYTES" in problem["detail"]
    again = await delivered(pipeline, "penstock.submit.default.routing", QUERY, Penstock_Job="known")
    assert again["status"] == "completed"


async def test_an_id_of_one_s_own_makes_submitting_twice_the_same(pipeline: Pipeline) -> None:
    """Also when the job was published to its subject: request-reply is no second way in."""
    body = json.dumps(QUERY).encode()
    for _ in range(2):
        assert (await delivered(pipeline, "penstock.submit.default.routing", body, Penstock_Job="mine-1"))[
            "id"
        ] == "mine-1"
    await pipeline.submit("routing", body, "mine-2")
    await pipeline.result("mine-2")
    again = await delivered(pipeline, "penstock.submit.default.routing", body, Penstock_Job="mine-2")
    assert (again["id"], again["status"]) == ("mine-2", "completed")


async def test_an_id_that_stands_for_another_request_is_refused(pipeline: Pipeline) -> None:
    await delivered(pipeline, "penstock.submit.default.routing", QUERY, Penstock_Job="mine-1")
    other = await refused(pipeline, "penstock.submit.default.routing", {"query": "another"}, Penstock_Job="mine-1")
    elsewhere = await refused(
        pipeline, "penstock.submit.default.sequential-processing", {"input": "x"}, Penstock_Job="mine-1"
    )
    assert (other["code"], elsewhere["code"]) == ("job_id_taken", "job_id_taken")
    await pipeline.result("mine-1")


async def test_cancelling_answers_the_state_after_it(pipeline: Pipeline) -> None:
    await pipeline.replicas["workers"].stop()
    submitted = await delivered(pipeline, "penstock.submit.default.routing", QUERY)
    assert (await delivered(pipeline, "penstock.cancel.default", {"id": submitted["id"]}))["status"] == "cancelled"


async def test_a_late_cancel_changes_nothing(pipeline: Pipeline) -> None:
    submitted = await delivered(pipeline, "penstock.submit.default.routing", QUERY)
    await pipeline.result(submitted["id"])
    assert (await delivered(pipeline, "penstock.cancel.default", {"id": submitted["id"]}))["status"] == "completed"


@pytest.mark.parametrize(
    ("subject", "body", "headers", "code"),
    [
        ("penstock.submit.default.routing", {"quer": "x"}, {}, "invalid_request"),
        ("penstock.submit.default.routing", b"no JSON", {}, "invalid_request"),
        ("penstock.submit.default.routing", QUERY, {"Penstock_Job": "a.b"}, "invalid_request"),
        (
            "penstock.submit.default.routing",
            QUERY | {"options": {"webhook": "https://x.example/"}},
            {},
            "invalid_request",
        ),
        ("penstock.submit.default.routing", {"query": "x" * 5_000_000}, {}, "body_too_large"),
        ("penstock.submit.default.nonsense", QUERY, {}, "unknown_pattern"),
        ("penstock.status.default", {"id": "nobody"}, {}, "unknown_job"),
        ("penstock.status.default", {"id": "*"}, {}, "invalid_request"),
        ("penstock.status.default", b"", {}, "invalid_request"),
        ("penstock.cancel.default", {"id": "nobody"}, {}, "unknown_job"),
        ("penstock.cancel.default", {"id": "nobody", "force": True}, {}, "invalid_request"),
    ],
)
async def test_refusals_are_problems_with_stable_codes(
    pipeline: Pipeline, subject: str, body: Any, headers: dict[str, str], code: str
) -> None:
    assert (await refused(pipeline, subject, body, **headers))["code"] == code


async def test_an_unknown_pattern_is_told_which_there_are(pipeline: Pipeline) -> None:
    problem = await refused(pipeline, "penstock.submit.default.ruting", QUERY)
    assert "did you mean 'routing'?" in problem["detail"]
    assert "parallel-processing" in problem["detail"]


async def test_an_invalid_request_names_its_fields(pipeline: Pipeline) -> None:
    problem = await refused(
        pipeline, "penstock.submit.default.routing", {"query": "x", "options": {"webhook": "ftp://x"}}
    )
    assert [error["pointer"] for error in problem["errors"]] == ["/options/webhook"]


async def test_the_patterns_come_with_their_contracts(pipeline: Pipeline) -> None:
    """Each example is a request that its pattern takes."""
    patterns = {one["name"]: one for one in (await delivered(pipeline, "penstock.patterns"))["patterns"]}
    assert patterns["routing"]["request"]["required"] == ["query"]
    assert "classification" in patterns["routing"]["result"]["properties"]
    for name, pattern in patterns.items():
        submitted = await delivered(pipeline, f"penstock.submit.default.{name}", pattern["example"])
        assert submitted["pattern"] == name
        await pipeline.result(submitted["id"])


async def test_a_micro_client_discovers_it(pipeline: Pipeline) -> None:
    """What `nats micro ls`, `info` and `stats` ask; every replica tells of itself."""
    await pipeline.start("aggregator")
    connection = pipeline.bus.connection

    async def asked(verb: str) -> list[dict[str, Any]]:
        """What both replicas say; asked again, since the younger may not have heard it."""
        inbox, said = connection.new_inbox(), dict[str, dict[str, Any]]()
        answers = await connection.subscribe(inbox)
        while len(said) < 2:
            await connection.publish(f"$SRV.{verb}.penstock", reply=inbox)
            with suppress(TimeoutError):
                while len(said) < 2:
                    one = json.loads((await answers.next_msg(1)).data)
                    said[one["id"]] = one
        await answers.unsubscribe()
        return list(said.values())

    async def served(*subjects: str) -> int:
        """Requests that the replicas have had on these."""
        endpoints = [endpoint for one in await asked("STATS") for endpoint in one["endpoints"]]
        return sum(endpoint["num_requests"] for endpoint in endpoints if endpoint["subject"] in subjects)

    async def errors(subject: str) -> list[tuple[int, str]]:
        """How many of its requests were refused, and the last refusal, of each replica that had one."""
        endpoints = [endpoint for one in await asked("STATS") for endpoint in one["endpoints"]]
        found = [(one["num_errors"], one["last_error"]) for one in endpoints if one["subject"] == subject]
        return [one for one in found if one[0]]

    first, _ = await asked("INFO")
    assert first["type"] == "io.nats.micro.v1.info_response"
    by_subject = {endpoint["subject"]: endpoint for endpoint in first["endpoints"]}
    assert {
        "penstock.submit.*.routing",
        "penstock.status.*",
        "penstock.cancel.*",
        "penstock.patterns",
    } <= set(by_subject)
    assert {endpoint["queue_group"] for endpoint in first["endpoints"]} == {subjects.API}
    schema = json.loads(by_subject["penstock.submit.*.routing"]["metadata"]["request_schema"])
    assert "query" in schema["properties"]
    await delivered(pipeline, "penstock.patterns")
    assert await served("penstock.patterns") == 1  # one of the group, not both
    assert await errors("penstock.status.*") == []
    await refused(pipeline, "penstock.status.default", {"id": "nobody"})
    ((count, last),) = await errors("penstock.status.*")
    assert (count, last.split(":")[:2]) == (1, ["404", "unknown_job"])
    await delivered(pipeline, "penstock.submit.default.routing", QUERY, Penstock_Job="once")
    assert await served("penstock.submit.*.routing", "penstock.submit.*.*") == 1  # likewise where two endpoints fit
    await pipeline.result("once")


async def test_requests_that_nats_does_not_store_hold_up_no_other(pipeline: Pipeline) -> None:
    """JOBS takes nothing: while a submission is tried again, another to the same pattern is refused at once."""
    config = (await pipeline.bus.jetstream.stream_info(subjects.JOBS)).config
    await pipeline.bus.jetstream.update_stream(config.evolve(max_bytes=1))
    waiting = asyncio.create_task(ask(pipeline, "penstock.submit.default.routing", QUERY))
    assert (await refused(pipeline, "penstock.submit.default.routing", {"quer": "x"}))["code"] == "invalid_request"
    assert not waiting.done()
    await pipeline.bus.jetstream.update_stream(config)
    job = json.loads((await waiting).data)
    await pipeline.result(job["id"])
