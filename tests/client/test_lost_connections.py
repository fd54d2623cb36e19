"""A connection that is lost while a job is followed: the iterator just goes on."""

import asyncio
import signal

import pytest

from penstock.client import Client, HttpClient, NatsClient, RequestRefused, Unreachable
from penstock.contracts.events import JobCancelled, JobCompleted, PartReset, PartValue, StepStarted
from penstock.contracts.usage import Usage
from penstock.contracts.wire import DEFAULT_TENANT
from penstock.hosting.ports import free_port
from penstock.jobs import job_of
from penstock.simulator.wire import Reply
from tests.client.relay import Relay
from tests.support.gateway_process import serving_gateway
from tests.support.pipeline import Pipeline
from tests.support.servers import NatsServer

QUERY = {"query": "Our API answers 502 since the deploy"}


async def test_a_reader_goes_on_at_another_gateway(pipeline: Pipeline) -> None:
    """The first gateway ends in the middle of the job; the events are those that an unhurt reader gets."""
    await pipeline.gemini.rule(step="respond", reply=Reply(hold="respond"))
    async with (
        serving_gateway(pipeline.settings) as first,
        serving_gateway(pipeline.settings) as second,
        HttpClient(f"{first.url},{second.url}") as client,
    ):
        events = client.stream("routing", QUERY)
        seen = []
        async for event in events:
            seen.append(event)
            if isinstance(event, StepStarted) and event.step == "respond":
                first.drain()
                await pipeline.gemini.release("respond")
        assert isinstance(seen[-1], JobCompleted)
        assert seen == await pipeline.events(events.job)


async def test_a_reader_waits_for_its_gateway_to_come_back(pipeline: Pipeline) -> None:
    """Nobody answers for a while; then another process has the old one's address."""
    await pipeline.gemini.rule(step="respond", reply=Reply(hold="respond"))
    async with serving_gateway(pipeline.settings) as first, Relay(first.port) as relay, HttpClient(relay.url) as client:
        events = client.stream("routing", QUERY)
        seen = [await anext(events) for _ in range(4)]
        relay.target = None
        await relay.cut()
        going_on = asyncio.create_task(anext(events))
        async with serving_gateway(pipeline.settings) as again:
            relay.target = again.port
            await pipeline.gemini.release("respond")
            seen += [await going_on, *[event async for event in events]]
        assert seen == await pipeline.events(events.job)


async def test_a_connection_lost_again_and_again_loses_and_doubles_nothing(pipeline: Pipeline) -> None:
    """It is cut after every few events."""
    async with (
        serving_gateway(pipeline.settings) as gateway,
        Relay(gateway.port) as relay,
        HttpClient(relay.url) as client,
    ):
        events = client.stream("routing", QUERY)
        seen = []
        async for event in events:
            seen.append(event)
            if len(seen) in (1, 4, 9):
                await relay.cut()
        assert seen == await pipeline.events(events.job)


async def test_a_reader_over_nats_goes_on_when_nats_is_back(pipeline: Pipeline, nats: NatsServer) -> None:
    """The server is killed and started again on its data."""
    await pipeline.gemini.rule(step="respond", reply=Reply(hold="respond"))
    async with NatsClient(pipeline.settings) as client:
        events = client.stream("routing", QUERY)
        seen = []
        async for event in events:
            seen.append(event)
            if isinstance(event, StepStarted) and event.step == "respond":
                await nats.kill()
                await nats.start()
                await pipeline.gemini.release("respond")
        assert isinstance(seen[-1], JobCompleted)
        assert seen == await pipeline.events(events.job)


async def test_a_submission_whose_answer_is_lost_is_made_once(pipeline: Pipeline) -> None:
    """The gateway takes the request, its answer never arrives, the client asks again: there is one job."""
    async with serving_gateway(pipeline.settings) as gateway, Relay(gateway.port) as relay:
        relay.swallow = 1
        async with HttpClient(relay.url) as client:
            job = await client.submit("routing", QUERY)
            assert relay.swallow == 0
            assert [one.id async for one in client.jobs()] == [job]


async def test_events_with_one_id_are_each_delivered() -> None:
    """A correction has the id of the event before it; a reader that resumes there is given it again."""
    begun = StepStarted(k="respond-1", a=1, n=0, step="respond", service="workers")
    corrected = [PartReset(k="respond-1", a=1, n=1, p="/response"), PartValue(id="outcome", p="/response", t='"ok"')]
    events = [(4, begun), *((4, event) for event in corrected), (5, JobCancelled(id="end", usage=Usage()))]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for place, event in events[1:] if b"last-event-id: 4" in asked.lower() else events[:2]:
            writer.write(f"id: {place}\ndata: {event.model_dump_json()}\n\n".encode())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with HttpClient(f"http://127.0.0.1:{port}") as client:
            seen = [event async for event in client.follow("some-job")]
    assert seen == [begun, corrected[0], *corrected, events[-1][1]]


async def test_a_quiet_job_is_followed_as_long_as_gateways_answer() -> None:
    """Connections with nothing but heartbeats end one after the other, further apart than the client's patience."""
    patience, served = 0.2, 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n:\n\n")
        if served == 4:
            ended = JobCancelled(id="end", usage=Usage())
            writer.write(f"id: 1\ndata: {ended.model_dump_json()}\n\n".encode())
        else:
            await asyncio.sleep(2 * patience)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with HttpClient(f"http://127.0.0.1:{port}", patience=patience) as client:
            assert [event.type async for event in client.follow("some-job")] == ["job.cancelled"]
    assert served == 4


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"301 Moved Permanently\r\nLocation: https://example.test/", "301 .* leads to https://example.test/"),
        (b"200 OK", "200 OK, and no gateway does so"),
    ],
)
async def test_what_no_gateway_answers_is_not_taken_for_an_answer(answer: bytes, said: str) -> None:
    """It is said where it leads; the key is not sent there."""
    asked = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split()[0])
        writer.write(b"HTTP/1.1 " + answer + b"\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with HttpClient(f"http://127.0.0.1:{port}", api_key="key") as client:
            with pytest.raises(RequestRefused, match=said):
                await client.submit("routing", QUERY)
            with pytest.raises(RequestRefused, match=said):
                await client.state("some-job")
    assert asked == [b"POST", b"GET"]


@pytest.mark.parametrize("over", [HttpClient, NatsClient])
async def test_a_client_that_gives_up_says_which_job_may_run(
    pipeline: Pipeline, nats: NatsServer, over: type[Client]
) -> None:
    """NATS takes no answer in time: the error has the job's id. A client with more patience makes that job, once."""
    quick = pipeline.settings.model_copy(update={"nats_timeout": 2})
    job = job_of("order-1", "routing", DEFAULT_TENANT).id
    async with serving_gateway(quick) as gateway:
        impatient = HttpClient(gateway.url, patience=0.1) if over is HttpClient else NatsClient(quick)
        async with impatient, HttpClient(gateway.url) as patient:
            nats.signal(signal.SIGSTOP)
            with pytest.raises(Unreachable, match=f"submitting job {job}: "):
                await impatient.submit("routing", QUERY, idempotency_key="order-1")
            submitting = asyncio.create_task(patient.submit("routing", QUERY, idempotency_key="order-1"))
            nats.signal(signal.SIGCONT)
            assert await submitting == job
            await pipeline.result(job)
            assert [one.id async for one in patient.jobs()] == [job]


async def test_nobody_there_is_said_within_the_clients_patience() -> None:
    """Over HTTP and over NATS alike."""
    client = HttpClient(f"http://127.0.0.1:{free_port()}", patience=0.2)
    with pytest.raises(Unreachable, match="connect"):
        await client.submit("routing", QUERY)
    with pytest.raises(Unreachable, match="no gateway is ready"):
        await client.check()
    await client.aclose()
