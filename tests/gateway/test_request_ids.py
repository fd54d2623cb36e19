"""Each answer says which request it is to, and each problem when it was, and in which job."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from tests.gateway.raw_http import GET, Start, say
from tests.support.gateway_process import GatewayServer
from tests.support.pipeline import Pipeline

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
JOB = {"query": "Where is my order?"}


def told(answer: httpx.Response) -> str:
    """The request's id, which a problem has, too."""
    (request,) = answer.headers.get_list("x-request-id")
    if answer.is_error:
        problem = answer.json()
        assert problem["requestId"] == request
        assert abs(datetime.now(UTC) - datetime.fromisoformat(problem["timestamp"])).total_seconds() < 3600
        assert problem["timestamp"].endswith("Z")
    return str(request)


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/patterns", {}, 200),
        ("HEAD", "/patterns", {}, 200),
        ("GET", "/livez", {}, 200),
        ("GET", "/nowhere", {}, 404),
        ("GET", "/jobs/none", {}, 404),
        ("PUT", "/jobs", {}, 405),
        ("GET", "/jobs?limit=0", {}, 400),
        ("GET", "/patterns", {"headers": {"Host": "evil.example"}}, 421),
        ("POST", "/routing", {"json": {}}, 422),
        ("POST", "/routing", {"content": b"{}"}, 415),
    ],
)
async def test_every_answer_has_the_requests_id(
    alone: GatewayServer, method: str, path: str, more: dict[str, Any], status: int
) -> None:
    """That it came with, or else one that it is given."""
    given, ids = more.pop("headers", {}), set()
    for own in ("order-1/try.2", "x" * 128):
        answer = await alone.http.request(method, path, headers={"X-Request-Id": own, **given}, **more)
        assert (answer.status_code, told(answer)) == (status, own)
    for none in ([], [("X-Request-Id", "x" * 129)], [("X-Request-Id", "two words")], [("X-Request-Id", "")]):
        answer = await alone.http.request(method, path, headers=[*none, *given.items()], **more)
        ids.add(told(answer))
    assert {len(one) for one in ids} == {32}
    assert len(ids) == 4


async def test_so_has_one_that_no_application_sees(start: Start) -> None:
    """The connection is refused more: too many headers."""
    answer = await say(await start(), GET + b"X-Request-Id: order-1\r\n" + b"a:b\r\n" * 101 + b"\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 431 " in head
    assert b"\r\nX-Request-Id: order-1" in head
    assert json.loads(body)["requestId"] == "order-1"


async def test_and_one_that_broke_down(alone: GatewayServer, bus: Bus) -> None:
    """A fact that cannot be read is an internal error, whose words are logged and not told."""
    await bus.once(subjects.job("routing", job := JobName("default", "broken")), b"{}")
    await bus.once(subjects.journal(job, "start"), b'{"secret": "in the journal"}')
    answer = await alone.http.get("/jobs/broken", headers={"X-Request-Id": "order-1"})
    assert (answer.status_code, answer.json()["code"], told(answer)) == (500, "internal_error", "order-1")
    assert answer.json()["job"] == "broken"
    assert "secret" not in answer.text


async def test_the_job_goes_by_the_request_it_came_of(alone: GatewayServer, bus: Bus) -> None:
    """By its trace, too. What is no traceparent is not carried along."""
    traces = {TRACE: TRACE, TRACE.replace("00f067aa0ba902b7", "0" * 16): None, "ff" + TRACE[2:]: None}
    for given, carried in traces.items():
        headers = {"X-Request-Id": "order-1", "traceparent": given, "Prefer": "respond-async"}
        answer = await alone.http.post("/routing", json=JOB, headers=headers)
        job = JobName("default", answer.headers["x-job-id"])
        stored = await bus.last_from_leader(subjects.job("routing", job))
        assert stored is not None
        assert (stored.headers["X-Request-Id"], stored.headers.get("traceparent")) == ("order-1", carried)
    answer = await alone.http.post(f"/jobs/{job.id}/retry", headers={"X-Request-Id": "order-2"})
    assert (answer.status_code, told(answer), answer.json()["job"]) == (409, "order-2", job.id)


async def test_a_failed_job_is_told_with_its_own_request(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """Whoever asks: the header is that of the question, the problem's id that of the submission. A model that is not
    available is 503.
    """
    await pipeline.gemini.rule(step="classify", fault={"status": 503})
    headers = {"X-Request-Id": "order-1", "Prefer": "respond-async, wait=60"}
    failed = await gateway.http.post("/routing", json=JOB, headers=headers)
    problem = failed.json()
    assert (failed.status_code, problem["code"], problem["requestId"]) == (503, "model_unavailable", "order-1")
    assert problem["job"] == failed.headers["x-job-id"]
    asked = await gateway.http.get(f"/jobs/{problem['job']}/stream", headers={"X-Request-Id": "order-2"})
    assert (asked.status_code, asked.headers["x-request-id"], asked.json()) == (503, "order-2", problem)
    state = (await gateway.http.get(f"/jobs/{problem['job']}")).json()
    assert state["problem"] == {name: one for name, one in problem.items() if name != "instance"}
    assert state["endedAt"] >= state["problem"]["timestamp"]
