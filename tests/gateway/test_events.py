"""Server-sent events: each once, in order, resumed on any replica."""

import json
from typing import Any

import httpx
from httpx_sse import ServerSentEvent

from penstock import jobs
from penstock.contracts.events import PLACES, JobCompleted
from penstock.contracts.journal import END, START, JobEnd, JobStart, Outcome
from penstock.contracts.usage import Usage
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.simulator.wire import Reply
from tests.support.gateway_process import GatewayServer, serving_gateway
from tests.support.naming import named
from tests.support.pipeline import Pipeline
from tests.support.reading import sse
from tests.support.servers import NatsServer

QUERY = {"query": "Our API answers 502 since the deploy"}


def seqs(events: list[ServerSentEvent]) -> list[int]:
    return [event.json()["seq"] for event in events]


async def test_a_job_is_told_from_acceptance_to_end(gateway: GatewayServer) -> None:
    """Ids grow, `seq` is dense, the last event has the whole result."""
    events = await sse(gateway.http, "/routing", method="POST", json=QUERY, headers={"Accept": "text/event-stream"})
    assert events[0].event == "job.accepted"
    assert events[-1].event == "job.completed"
    assert events[-1].json()["result"]["response"]
    assert seqs(events) == list(range(1, len(events) + 1))
    assert [int(event.id) for event in events] == sorted({int(event.id) for event in events})


async def test_any_replica_goes_on_after_any_event(
    pipeline: Pipeline, gateway: GatewayServer, second: GatewayServer
) -> None:
    """A reader that comes back with the last id it has gets exactly the rest, during and after the job."""
    await pipeline.gemini.rule(step="respond", reply=Reply(hold="respond"))
    job = await pipeline.submit("routing", QUERY)
    path = f"/jobs/{job}/events"
    begun = await sse(gateway.http, path, until="delta")
    await pipeline.gemini.release("respond")
    rest = await sse(second.http, path, headers={"Last-Event-ID": begun[-1].id})
    whole = await sse(gateway.http, path)
    assert seqs(begun + rest) == seqs(whole)
    assert [event.data for event in begun + rest] == [event.data for event in whole]
    for index in range(0, len(whole) - 1, 5):
        after = await sse(second.http, path, params={"after": whole[index].id})
        assert seqs(after) == seqs(whole[index + 1 :])


async def test_past_the_end_there_is_no_content(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """204 tells an EventSource to stop; the header goes before the parameter."""
    job = await pipeline.submit("routing", QUERY)
    end = (await sse(gateway.http, f"/jobs/{job}/events"))[-1]
    for sequence in (int(end.id), int(end.id) + 1000):
        response = await gateway.http.get(f"/jobs/{job}/events", headers={"Last-Event-ID": str(sequence)})
        assert response.status_code == 204
    response = await gateway.http.get(f"/jobs/{job}/events?after=0", headers={"Last-Event-ID": end.id})
    assert response.status_code == 204


async def test_a_stream_goes_on_when_nats_comes_back(
    pipeline: Pipeline, gateway: GatewayServer, nats: NatsServer
) -> None:
    """The reader's connection stays; what was stored before, during and after the restart comes once."""
    await pipeline.gemini.rule(step="respond", reply=Reply(hold="respond"))
    job = await pipeline.submit("routing", QUERY)
    events: list[dict[str, Any]] = []
    restarted = False
    async with gateway.http.stream("GET", f"/jobs/{job}/events") as response:
        async for line in response.aiter_lines():
            if not line.startswith("data: "):
                continue
            events.append(json.loads(line[6:]))
            if events[-1].get("k") == "respond-1" and not restarted:
                restarted = True
                await nats.kill()
                await nats.start()
                await pipeline.gemini.release("respond")
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["type"] == "job.completed"


async def test_a_gateway_that_begins_later_tells_the_whole_job(pipeline: Pipeline) -> None:
    """A replica keeps nothing: one that was not there has it all."""
    job = await pipeline.submit("routing", QUERY)
    await pipeline.result(job)
    async with serving_gateway(pipeline.settings) as late:
        events = await sse(late.http, f"/jobs/{job}/events")
    assert (events[0].event, events[-1].event) == ("job.accepted", "job.completed")


async def test_silence_is_broken_by_a_lone_colon(bus: Bus, settings: Any) -> None:
    """No empty line after it: to some clients that would be a message."""
    job = jobs.new_job_id()
    await jobs.submit(bus, "routing", named(job), b"{}")
    async with (
        serving_gateway(settings.model_copy(update={"heartbeat": 0.05})) as gateway,
        gateway.http.stream("GET", f"/jobs/{job}/events") as response,
    ):
        lines = response.aiter_lines()
        assert [await anext(lines) for _ in range(3)] == ["retry: 1000", ":", ":"]
        await jobs.cancel(bus, named(job))
        rest = [line async for line in lines if line != ":"]
    assert rest[0] == "event: job.cancelled"


async def test_an_end_whose_event_was_lost_is_told(alone: GatewayServer, bus: Bus) -> None:
    """Whoever meets an end in the journal that no event tells, publishes it; what came before is a snapshot."""
    job = await ended_job(bus)
    events = await sse(alone.http, f"/jobs/{job}/events")
    assert [event.event for event in events] == ["snapshot", "job.completed"]
    assert events[0].json()["result"] == events[1].json()["result"] == {"response": "Yes\u2028no\x85."}
    assert events[0].json()["status"] == "completed"
    assert len([stored async for stored in bus.history(subjects.events(named(job)))]) == 1
    assert (await alone.http.get(f"/jobs/{job}/events?after={events[1].id}")).status_code == 204


async def test_line_ends_of_any_reader_are_escaped(alone: GatewayServer, bus: Bus) -> None:
    """U+2028, U+2029 and U+0085 never stand raw in a line."""
    job = await ended_job(bus)
    body = (await alone.http.get(f"/jobs/{job}/events")).text
    assert "\\u2028" in body
    assert "\\u0085" in body
    assert not {"\u2028", "\u2029", "\x85"} & set(body)


async def ended_job(bus: Bus) -> str:
    """A job whose end is in the journal and whose events are all gone."""
    job = jobs.new_job_id()
    result = {"response": "Yes\u2028no\x85."}
    start = JobStart(pattern="routing", body_hash="0", accepted_at=1, deadline=2)
    end = JobEnd(pattern="routing", status="completed", ended_at=2, result=result)
    await bus.once(subjects.journal(named(job), START), start.model_dump_json().encode())
    await bus.once(subjects.journal(named(job), END), end.model_dump_json().encode())
    return job


async def test_a_cursor_that_is_no_longer_kept_gets_a_snapshot(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """Where a job's first events have been dropped, its state comes first, then what happens from there."""
    await pipeline.gemini.rule(step="respond", reply=Reply(hold="respond", hold_before=True))
    job = await pipeline.submit("routing", QUERY)
    path = f"/jobs/{job}/events"
    begun = await sse(gateway.http, path, until="step.completed")
    await pipeline.gemini.wait(step="respond", held="respond")
    classification = (await pipeline.outcomes(job))["classify-1"].value
    # as retention does: the oldest go first
    await pipeline.bus.jetstream.purge_stream(subjects.EVENTS, seq=int(begun[-1].id) // PLACES)
    headers = {"Last-Event-ID": begun[2].id}
    async with gateway.http.stream("GET", path, headers=headers) as response:
        found: list[dict[str, Any]] = []
        async for line in response.aiter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line[6:]))
                if len(found) == 1:
                    await pipeline.gemini.release("respond")
    assert (found[0]["type"], found[0]["status"]) == ("snapshot", "running")
    assert found[0]["result"] == {"classification": classification}
    assert [event["seq"] for event in found[1:]] == list(range(1, len(found)))
    assert found[-1]["type"] == "job.completed"


async def test_a_step_of_which_only_the_end_is_kept_is_shown_by_another_snapshot(
    alone: GatewayServer, bus: Bus
) -> None:
    """Its first pieces are gone, so its later ones mean nothing; once it is done, the journal has it whole."""
    job = jobs.new_job_id()
    start = JobStart(pattern="routing", body_hash="0", accepted_at=1, deadline=2)
    await bus.once(subjects.journal(named(job), START), start.model_dump_json().encode())
    delivered = {"step": "classify", "key": "classify-1", "attempt": 1, "usage": {}, "durationMs": 1}
    for event in (
        {"type": "delta", "k": "classify-1", "a": 1, "n": 7, "p": "/response", "t": "half"},
        {"type": "part.close", "id": "close:/x", "p": "/x"},
    ):
        await bus.append(subjects.events(named(job)), json.dumps(event).encode())
    outcome = Outcome(
        step="classify", key="classify-1", fingerprint="", attempt=1, service="x", into="/response", value="whole"
    )
    async with alone.http.stream("GET", f"/jobs/{job}/events") as response:
        found: list[dict[str, Any]] = []
        async for line in response.aiter_lines():
            if not line.startswith("data: "):
                continue
            found.append(json.loads(line[6:]))
            if len(found) == 2:
                await bus.once(subjects.journal(named(job), "classify-1"), outcome.model_dump_json().encode())
                event = {"type": "step.completed", "id": "completed:classify-1", **delivered}
                await bus.append(subjects.events(named(job)), json.dumps(event).encode())
            if len(found) == 4:
                end = JobCompleted(id="end", result={"response": "whole"}, usage=Usage())
                await bus.append(subjects.events(named(job)), end.model_dump_json().encode())
    assert [event["type"] for event in found] == [
        "snapshot", "part.close", "step.completed", "snapshot", "job.completed",
    ]  # fmt: skip
    assert found[0]["result"] == {}
    assert found[3]["result"] == {"response": "whole"}


async def test_an_event_of_a_newer_release_is_passed_over(alone: GatewayServer, bus: Bus) -> None:
    """During a rolling deploy: what is not known is not delivered, and what follows still is."""
    job = await ended_job(bus)
    for event in (
        {"type": "job.accepted", "id": "accepted", "job": job, "pattern": "routing", "deadline": 2},
        {"type": "step.started", "k": "x-1", "a": 1, "n": 0, "step": "x", "service": "y"},
        {"type": "step.dreaming", "k": "x-1", "a": 1, "n": 1},
        {"type": "part.start", "k": "x-1", "a": 1, "n": 2, "p": "/response"},
    ):
        await bus.append(subjects.events(named(job)), json.dumps(event).encode())
    await bus.append(subjects.events(named(job)), b"no json")
    events = await sse(alone.http, f"/jobs/{job}/events")
    assert [event.event for event in events] == ["job.accepted", "step.started", "part.start", "job.completed"]


async def test_a_new_attempt_is_told_and_the_old_one_fenced(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """After `step.started` and `part.reset` of the second attempt nothing of the first comes."""
    await pipeline.gemini.rule(step="respond", times=1, reply={"text": "{"}, fault={"breakAfterChunks": 1})
    events = [event.json() for event in await sse(
        gateway.http, "/routing", method="POST", json=QUERY, headers={"Accept": "text/event-stream"}
    )]  # fmt: skip
    attempts = [event["a"] for event in events if event.get("k") == "respond-1"]
    assert attempts == sorted(attempts)
    assert set(attempts) == {1, 2}
    assert [event["p"] for event in events if event["type"] == "part.reset"] == [""]


async def test_many_readers_each_get_all(pipeline: Pipeline, gateway: GatewayServer, second: GatewayServer) -> None:
    """Readers come and go without a word to one another."""
    job = await pipeline.submit("routing", QUERY)
    clients = [gateway.http, second.http] * 5
    found = [await sse(http, f"/jobs/{job}/events") for http in clients]
    assert all([event.data for event in one] == [event.data for event in found[0]] for one in found)


async def test_bad_cursors_are_named(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """400, and which of the two it was."""
    job = await pipeline.submit("routing", QUERY)
    for bad in ("x", "-1", "1.5", "9" * 30, "１２"):
        by_query: httpx.Response = await gateway.http.get(f"/jobs/{job}/events", params={"after": bad})
        assert (by_query.status_code, by_query.json()["errors"][0]["pointer"]) == (400, "/query/after")
    by_header = await gateway.http.get(f"/jobs/{job}/events", headers={"Last-Event-ID": "abc"})
    assert (by_header.status_code, by_header.json()["errors"][0]["pointer"]) == (400, "/header/Last-Event-ID")
    await pipeline.result(job)
