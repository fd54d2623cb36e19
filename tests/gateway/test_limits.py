"""More than can be done, readers that do not read, and going down."""

import asyncio
import json
import re
import signal
import socket
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import pytest

from penstock import jobs
from penstock.contracts.events import Delta, JobAccepted, JobCompleted, PartStart, PartValue, StepStarted
from penstock.contracts.usage import Usage
from penstock.contracts.wire import DEFAULT_TENANT
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jobs.admission import full_stream
from penstock.settings import Settings
from penstock.simulator.wire import Reply
from tests.support.gateway_process import GatewayServer, serving_gateway
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline
from tests.support.reading import sse
from tests.support.servers import NatsServer

QUERY = {"query": "Our API answers 502 since the deploy"}


async def test_more_than_the_fleet_can_do_is_refused(bus: Bus, settings: Settings) -> None:
    """Before it is accepted, with a time to come back; what is there can still be read."""
    for number in range(3):
        await jobs.submit(bus, "routing", named(f"job-{number}"), b"{}")
    async with serving_gateway(settings.model_copy(update={"max_backlog": 2})) as gateway:
        refused = await gateway.http.post("/routing", json=QUERY)
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert refused.headers["retry-after"] == "5"
        assert (await gateway.http.get("/jobs/job-1")).json()["status"] == "queued"
    assert len(await bus.last_from_any_replica(["jobs.>"])) == 3


@pytest.mark.parametrize("stream", [subjects.JOBS, subjects.JOURNAL, subjects.EVENTS])
async def test_no_jobs_are_taken_before_those_that_run_lack_room(bus: Bus, settings: Settings, stream: str) -> None:
    """Four fifths are for new jobs. What is there can still be read, and jobs are taken again when there is room."""
    config = (await bus.jetstream.stream_info(stream)).config
    kept = jobs.job_of("a-key", "routing", DEFAULT_TENANT)
    await jobs.submit(bus, "routing", kept, json.dumps(QUERY, separators=(",", ":")).encode())
    await bus.append(
        f"{stream.lower()}.default.filler" if stream == subjects.EVENTS else f"{stream.lower()}.default.filler.x",
        b"x" * 9_000,
    )
    async with serving_gateway(settings) as gateway:
        await bus.jetstream.update_stream(config.evolve(max_bytes=11_000))
        refused = await gateway.http.post("/routing", json=QUERY)
        assert (refused.status_code, refused.json()["code"]) == (503, "no_room")
        assert stream in refused.json()["detail"]
        assert refused.headers["retry-after"] == "30"
        assert (await gateway.http.get(f"/jobs/{kept.id}")).status_code == 200
        keyed = {"Idempotency-Key": "a-key", "Prefer": "respond-async"}
        retried = await gateway.http.post("/routing", json=QUERY, headers=keyed)
        assert (retried.status_code, retried.headers["x-job-id"]) == (202, kept.id)
        await bus.jetstream.update_stream(config)
        async with asyncio.timeout(30):
            while (await gateway.http.post("/routing", json=QUERY, headers={"Prefer": "respond-async"})).is_error:
                pass


@pytest.mark.parametrize(("hours", "full"), [(0.2, True), (0.3, False)])
def test_a_log_that_drops_only_what_no_running_job_needs_is_not_full(hours: float, full: bool) -> None:
    """Events are kept for 24 hours, and a job has 15 minutes, unless settings or its request say otherwise."""
    now = datetime(2026, 11, 25, tzinfo=UTC)
    first = now - timedelta(hours=hours)
    info = {
        "config": {"name": "EVENTS", "max_bytes": 100, "discard": "old"},
        "state": {"bytes": 99, "first_ts": first.isoformat()},
        "ts": now.isoformat(),
    }
    assert bool(full_stream(info, Settings().deadline)) == full


async def test_without_nats_requests_are_refused_at_once(
    alone: GatewayServer, nats: NatsServer, settings: Settings
) -> None:
    """503 in a moment rather than after a time-out, and service again as soon as NATS is back."""
    await nats.stop()
    while (await alone.http.get("/readyz")).status_code == 200:
        pass
    async with asyncio.timeout(settings.nats_timeout):  # that one alone would wait
        for method, path in (("POST", "/routing"), ("GET", "/jobs"), ("GET", "/jobs/x"), ("DELETE", "/jobs/x")):
            refused = await alone.http.request(method, path, json=QUERY if method == "POST" else None)
            assert (refused.status_code, refused.json()["code"]) == (503, "bus_unavailable"), path
            assert "retry-after" in refused.headers
            assert "x-job-id" not in refused.headers  # nothing was published
    await nats.start()
    while (await alone.http.get("/readyz")).status_code != 200:
        pass
    assert (await alone.http.post("/routing", json=QUERY, headers={"Prefer": "respond-async"})).status_code == 202


async def test_a_submission_that_nats_does_not_confirm_names_its_job(
    alone: GatewayServer, bus: Bus, nats: NatsServer
) -> None:
    """The 503 says that the job may run. It does, and the same key again is the same job."""
    keyed = {"Idempotency-Key": "order-1", "Prefer": "respond-async"}
    nats.signal(signal.SIGSTOP)
    doubtful = await alone.http.post("/routing", json=QUERY, headers=keyed)
    nats.signal(signal.SIGCONT)
    job, problem = doubtful.headers["x-job-id"], doubtful.json()
    assert (doubtful.status_code, problem["code"], problem["instance"]) == (503, "bus_unavailable", f"/jobs/{job}")
    assert f"GET /jobs/{job}" in problem["detail"]
    assert "same Idempotency-Key" in problem["detail"]
    assert "retry-after" in doubtful.headers
    while (await alone.http.get(f"/jobs/{job}")).status_code != 200:  # until NATS has read what was in its socket
        pass
    again = await alone.http.post("/routing", json=QUERY, headers=keyed)
    assert (again.status_code, again.headers["x-job-id"]) == (202, job)
    (stored,) = await bus.last_from_any_replica(["jobs.>"])
    assert stored.subject == subjects.job("routing", named(job))


async def test_a_draining_replica_cuts_its_streams_and_another_goes_on(
    pipeline: Pipeline, gateway: GatewayServer, second: GatewayServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The client sees a broken body, comes back elsewhere, and nothing is missing."""
    await pipeline.gemini.rule(step="respond", reply=Reply(hold="respond"))
    job = await pipeline.submit("routing", QUERY)
    await pipeline.gemini.wait(step="respond", held="respond")
    ids: list[str] = []
    with pytest.raises(httpx.RemoteProtocolError):
        await read_until_cut(gateway, f"/jobs/{job}/events", ids)
    assert (await gateway.http.get("/readyz")).status_code == 503
    assert (await gateway.http.get("/livez")).status_code == 200
    refused = await gateway.http.post("/routing", json=QUERY)
    assert (refused.status_code, refused.json()["code"]) == (503, "draining")
    assert refused.headers["connection"] == "close"
    await pipeline.gemini.release("respond")
    rest = await sse(second.http, f"/jobs/{job}/events", headers={"Last-Event-ID": ids[-1]})
    whole = await sse(second.http, f"/jobs/{job}/events")
    assert ids + [event.id for event in rest] == [event.id for event in whole]
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


async def test_a_reader_that_takes_nothing_is_cut_and_counted(bus: Bus, settings: Settings) -> None:
    """However long its job goes on to write."""
    job = jobs.new_job_id()
    async with serving_gateway(settings.model_copy(update={"write_timeout": 0.3})) as gateway:
        await jobs.submit(bus, "sequential-processing", named(job), b"{}")
        with socket.create_connection(("127.0.0.1", gateway.port)) as reader:
            reader.sendall(f"GET /jobs/{job}/stream?protocol=sse HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            accepted = JobAccepted(id="accepted", job=job, pattern="sequential-processing", deadline=1)
            await bus.append(subjects.events(named(job)), accepted.model_dump_json().encode())
            async with asyncio.timeout(PATIENCE):
                for number in count():
                    value = PartValue(id=f"{number}", p=f"/{number}", t=f'"{"x" * 100_000}"')
                    await bus.append(subjects.events(named(job)), value.model_dump_json().encode())
                    if "\npenstock_http_slow_readers_total 1.0\n" in (await gateway.http.get("/metrics")).text:
                        break


async def test_a_reader_that_does_not_read_slows_nobody(bus: Bus, settings: Settings) -> None:
    """What it leaves is not kept in memory: once it reads, it has everything, from the stream."""
    job, piece, count = jobs.new_job_id(), "x" * 20_000, 600
    async with serving_gateway(settings.model_copy(update={"stream_buffer": 100_000})) as gateway:
        await jobs.submit(bus, "sequential-processing", named(job), b"{}")
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(f"GET /jobs/{job}/stream?protocol=sse HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert b" 200 " in await reader.readline()
        reading = asyncio.create_task(sse(gateway.http, f"/jobs/{job}/events"))
        at = {"k": "draft-1", "a": 1}
        subject = subjects.events(named(job))
        for event in (
            JobAccepted(id="accepted", job=job, pattern="sequential-processing", deadline=1),
            StepStarted(step="draft", service="x", n=0, **at),
            PartStart(p="/originalContent", n=1, **at),
            *(Delta(p="/originalContent", t=piece, n=n + 2, **at) for n in range(count)),
            JobCompleted(id="end", result={"done": True}, usage=Usage()),
        ):
            await bus.append(subject, event.model_dump_json().encode())
        assert len(await reading) == count + 4
        body = bytearray()
        while not body.endswith(b"\r\n0\r\n\r\n"):
            body += await reader.read(1024 * 1024)
        writer.close()
        (rereads,) = re.findall(r"^penstock_stream_rereads_total (.*)", (await gateway.http.get("/metrics")).text, re.M)
        assert float(rereads) > 0
    text = body.decode()
    assert text.count("event: delta") == count
    assert json.loads(text[text.rindex("data: ") + 6 :].split("\n")[0])["seq"] == count + 4


async def read_until_cut(gateway: GatewayServer, path: str, ids: list[str]) -> None:
    """Read on; as soon as the answer has begun, the replica begins to drain."""
    async with gateway.http.stream("GET", path) as response:
        async for line in response.aiter_lines():
            if line.startswith("id: "):
                ids.append(line[4:])
            if '"k":"respond-1"' in line:
                gateway.begin_draining()
