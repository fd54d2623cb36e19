"""What is said to a job from outside: by HTTP, by NATS, by the clients, before and while it waits."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx
import pytest

from penstock import HttpClient, NatsClient
from penstock.client import Client, RequestRefused, UnknownJob
from penstock.client.sync import SyncClient
from penstock.contracts.events import JobResumed, JobWaiting
from penstock.contracts.job import JobState
from penstock.contracts.wire import DEFAULT_TENANT
from penstock.jetstream import subjects
from penstock.jobs import signals
from penstock.settings import Settings
from tests.authors import approving
from tests.support.gateway_process import GatewayServer
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline

NAMES = tuple(f"{approving.__name__}:{name}" for name in ("PATTERN", "BOTH", "GRADED"))
YES: dict[str, Any] = {"approved": True}
NO: dict[str, Any] = {"approved": False, "wish": ", brighter"}


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    return settings.model_copy(update={"patterns": NAMES})


@pytest.fixture
async def http(gateway: GatewayServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        yield client


async def waiting(pipeline: Pipeline, job: str, key: str) -> JobWaiting:
    """The event that a job waits."""
    async with asyncio.timeout(PATIENCE), aclosing(pipeline.following(job)) as events:
        async for event in events:
            if isinstance(event, JobWaiting) and event.key == key:
                return event
    raise AssertionError(f"no wait {key}")


async def submitted(pipeline: Pipeline) -> str:
    return await pipeline.submit("approving", {"topic": "a lantern"})


async def test_a_page_can_draw_the_form_and_send_it(pipeline: Pipeline, http: httpx.AsyncClient) -> None:
    job = await submitted(pipeline)
    event = await waiting(pipeline, job, "approval-1-1")
    state = JobState.model_validate_json((await http.get(f"/jobs/{job}")).content)
    (awaited,) = state.waiting
    schema = approving.Decision.model_json_schema()
    for told in (event, awaited):
        assert (told.signal, told.body_schema) == ("approval-1", schema)

    said = await http.post(f"/jobs/{job}/signals/approval-1", json=NO)
    assert said.status_code == 200
    assert said.json()["body"] == NO
    await waiting(pipeline, job, "approval-2-1")
    await http.post(f"/jobs/{job}/signals/approval-2", json=YES)
    assert await pipeline.result(job) == {"drafts": ["a lantern", "a lantern, brighter"], "approved": True}
    waits = [event for event in await pipeline.events(job) if isinstance(event, JobWaiting | JobResumed)]
    assert [(event.type, event.signal) for event in waits] == [
        (kind, f"approval-{number}") for number in (1, 2) for kind in ("job.waiting", "job.resumed")
    ]


async def test_a_signal_may_come_before_the_wait_and_before_any_aggregator(
    pipeline: Pipeline, http: httpx.AsyncClient
) -> None:
    await pipeline.stop("aggregator")
    job = await submitted(pipeline)
    assert (await http.post(f"/jobs/{job}/signals/approval-1", json=YES)).status_code == 200
    await pipeline.start("aggregator")
    assert (await pipeline.result(job))["approved"]


async def test_the_first_signal_counts(pipeline: Pipeline, http: httpx.AsyncClient) -> None:
    """Of those at once, one is stored. The same once more is answered like the first, also once the job has ended."""
    job = await submitted(pipeline)
    bodies: list[Any] = [{"approved": True, "wish": str(number)} for number in range(8)]
    answers = await asyncio.gather(*(http.post(f"/jobs/{job}/signals/approval-1", json=body) for body in bodies))
    (first,) = [number for number, answer in enumerate(answers) if answer.status_code == 200]
    others = [answer.json() for answer in answers if answer.status_code != 200]
    assert {(one["code"], one["status"]) for one in others} == {("signal_taken", 409)}
    await pipeline.result(job)
    again = await http.post(f"/jobs/{job}/signals/approval-1", json=bodies[first])
    assert (again.status_code, again.json()) == (200, answers[first].json())


@pytest.mark.parametrize(
    ("job", "name", "body", "status", "code"),
    [
        ("nobody", "approval-1", YES, 404, "unknown_job"),
        (None, "approval", YES, 404, "unknown_signal"),
        (None, "approval-1.x", YES, 404, "unknown_signal"),
        (None, "approval-1", {"approved": "perhaps"}, 422, "invalid_request"),
        (None, "approval-1", YES | {"more": 1}, 422, "invalid_request"),
    ],
)
async def test_what_is_no_signal_of_the_job_is_refused(
    pipeline: Pipeline, http: httpx.AsyncClient, job: str | None, name: str, body: Any, status: int, code: str
) -> None:
    own = await submitted(pipeline)
    answer = await http.post(f"/jobs/{job or own}/signals/{name}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    replied = await pipeline.bus.connection.request(
        subjects.api("signal", DEFAULT_TENANT),
        json.dumps({"id": job or own, "name": name, "body": body}).encode(),
        PATIENCE,
    )
    assert json.loads(replied.data)["code"] == code


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
async def test_what_the_job_could_not_read_again_is_refused(
    pipeline: Pipeline, http: httpx.AsyncClient, number: str
) -> None:
    """Lenient models take numbers that JSON cannot keep."""
    json_type = {"content-type": "application/json"}
    url = f"/jobs/{await submitted(pipeline)}/signals/weight"
    answer = await http.post(url, content=f'{{"weight": {number}}}', headers=json_type)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_a_job_that_has_ended_hears_nothing_more(pipeline: Pipeline, http: httpx.AsyncClient) -> None:
    job = await submitted(pipeline)
    await http.delete(f"/jobs/{job}")
    answer = await http.post(f"/jobs/{job}/signals/approval-1", json=YES)
    assert (answer.status_code, answer.json()["code"]) == (409, "job_ended")


async def test_a_job_hears_no_more_than_it_can_hold(
    pipeline: Pipeline, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By number and by bytes. What it was told before is answered as ever, and what it waits for is taken."""
    monkeypatch.setattr(signals, "MOST", 3)
    job, other = await submitted(pipeline), await submitted(pipeline)
    for number in (7, 8, 9):
        assert (await http.post(f"/jobs/{job}/signals/approval-{number}", json=YES)).status_code == 200
    more = await http.post(f"/jobs/{job}/signals/approval-2", json=YES)
    assert (more.status_code, more.json()["code"]) == (409, "too_many_signals")
    assert (await http.post(f"/jobs/{job}/signals/approval-9", json=YES)).status_code == 200
    assert (await http.post(f"/jobs/{job}/signals/approval-9", json=NO)).json()["code"] == "signal_taken"
    monkeypatch.setattr(signals, "MOST_BYTES", 1_000)
    assert (await http.post(f"/jobs/{other}/signals/approval-9", json=NO | {"wish": "x" * 1_000})).status_code == 200
    assert (await http.post(f"/jobs/{other}/signals/approval-8", json=YES)).json()["code"] == "too_many_signals"
    await waiting(pipeline, job, "approval-1-1")
    assert (await http.post(f"/jobs/{job}/signals/approval-1", json=YES)).status_code == 200
    assert (await pipeline.result(job))["approved"]


@pytest.fixture(params=["http", "nats", "nats, pattern not known"])
async def client(request: pytest.FixtureRequest, pipeline: Pipeline, gateway: GatewayServer) -> AsyncIterator[Client]:
    knowing = pipeline.settings.model_copy(update={} if request.param == "nats" else {"patterns": ()})
    async with HttpClient(gateway.url) if request.param == "http" else NatsClient(knowing) as client:
        yield client


async def test_any_client_can_say_something(pipeline: Pipeline, client: Client) -> None:
    job = await submitted(pipeline)
    said = await client.signal(job, "approval-1", approving.Decision(approved=True))
    assert (said.job, said.name, said.body) == (job, "approval-1", {"approved": True, "wish": ""})
    assert any([isinstance(event, JobResumed) async for event in client.follow(job)])
    with pytest.raises(RequestRefused) as refused:
        await client.signal(job, "approval-1", NO)
    assert refused.value.problem.code == "signal_taken"
    with pytest.raises(UnknownJob):
        await client.signal("nobody", "approval-1", YES)
    with pytest.raises(RequestRefused, match="a signal's name"):
        await client.signal(job, "a/b", YES)


async def test_a_part_of_a_pattern_has_signals_of_its_own(pipeline: Pipeline, http: httpx.AsyncClient) -> None:
    """Named after it, as its steps are; what waits says how they are called."""
    job = await pipeline.submit("both", {"topics": ["a lantern", "a stove"]})
    for part in ("approving-1", "approving-2"):
        event = await waiting(pipeline, job, f"{part}__approval-1-1")
        assert event.signal == f"{part}__approval-1"
        wrong = await http.post(f"/jobs/{job}/signals/{event.signal}", json={})
        assert wrong.json()["code"] == "invalid_request"
        assert (await http.post(f"/jobs/{job}/signals/{event.signal}", json=YES)).status_code == 200
    assert await pipeline.result(job) == {"approved": [True, True]}


async def test_two_parts_may_have_signals_of_one_name(pipeline: Pipeline, http: httpx.AsyncClient) -> None:
    """The part's key says whose it is where it is made of its name, else the wait does."""
    job = await pipeline.submit("graded", {"topics": []})
    for part, grade in (("approving-2-1", 1), ("second", 2)):
        event = await waiting(pipeline, job, f"{part}__approval-1-1")
        answers = [await http.post(f"/jobs/{job}/signals/{event.signal}", json={"grade": grade}) for _ in range(2)]
        assert [(answer.status_code, answer.json()["body"]) for answer in answers] == [(200, {"grade": grade})] * 2
    assert await pipeline.result(job) == {"grades": [1, 2]}


async def test_so_can_a_script(pipeline: Pipeline, gateway: GatewayServer) -> None:
    job = await submitted(pipeline)

    def script() -> Any:
        with SyncClient(HttpClient(gateway.url)) as client:
            return client.signal(job, "approval-1", YES).body

    assert await asyncio.to_thread(script) == YES | {"wish": ""}


async def test_useChat_is_shown_the_wait_as_data(pipeline: Pipeline, http: httpx.AsyncClient) -> None:
    job = await submitted(pipeline)
    await http.post(f"/jobs/{job}/signals/approval-1", json=YES)
    await pipeline.result(job)
    stream = await http.get(f"/jobs/{job}/stream", params={"protocol": "ui-message"})
    chunks = [json.loads(line[6:]) for line in stream.text.splitlines() if line.startswith("data: {")]
    waits = [chunk for chunk in chunks if chunk["type"] == "data-waiting"]
    assert [(one["id"], one["data"]["status"]) for one in waits] == [
        ("approval-1-1", "waiting"),
        ("approval-1-1", "over"),
    ]
    text = await http.get(f"/jobs/{job}/stream")
    assert text.json()["approved"]
