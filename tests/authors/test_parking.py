"""A job that only waits costs nothing, and is worked on again by whoever is there when what it waits for has come."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest

from penstock import jobs
from penstock.contracts.events import JobWaiting
from penstock.contracts.job import JobState
from penstock.contracts.waiting import Shift, shift_key
from penstock.errors import Refused
from penstock.jetstream import subjects
from penstock.patterns.loading import load
from penstock.settings import Settings
from tests.authors import reminding
from tests.support.gateway_process import GatewayServer, serving_gateway
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline
from tests.support.replica import Replica
from tests.support.repository import ROOT

NAME = f"{reminding.__name__}:PATTERN"
PATTERNS = load([NAME])
WAITING = {"timeouts": [None]}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"patterns": (NAME,)})


async def parked(pipeline: Pipeline, *submitted: str, times: int = 1) -> None:
    """Return once the jobs have been parked so often, and their messages given up."""
    wanted = {subjects.journal(named(job), shift_key(2 * times - 2)) for job in submitted}
    async with asyncio.timeout(PATIENCE):
        while wanted - {fact.subject for fact in await pipeline.bus.last_from_any_replica([*wanted])}:
            await asyncio.sleep(0.05)
        for replica in pipeline.replicas.values():
            while replica.service.in_flight:
                await asyncio.sleep(0.05)


async def shifts(pipeline: Pipeline, job: str) -> list[Shift]:
    found = pipeline.bus.history(subjects.journal(named(job), shift_key("*")))
    return [Shift.model_validate_json(fact.data) async for fact in found]


async def answer(pipeline: Pipeline, job: str) -> None:
    await jobs.signal(pipeline.bus, PATTERNS, named(job), "answer", b'{"text": "yes"}')


async def test_a_parked_job_holds_no_slot_and_no_message(pipeline: Pipeline) -> None:
    """More jobs wait than an aggregator runs at once, and it runs others meanwhile."""
    await pipeline.stop("aggregator")
    await pipeline.start("aggregator", runs=4)
    waiting = [await pipeline.submit("reminding", WAITING) for _ in range(12)]
    await parked(pipeline, *waiting)
    for stream, consumer in ((subjects.JOBS, subjects.AGGREGATOR), (subjects.JOURNAL, subjects.SIGNALS_CONSUMER)):
        info = await pipeline.bus.jetstream.consumer_info(stream, consumer)
        assert (info.num_ack_pending, info.num_pending) == (0, 0)
    await pipeline.run("reminding", {"notes": 2})
    await asyncio.gather(*(answer(pipeline, job) for job in waiting))
    for job in waiting:
        assert await pipeline.result(job) == {"answer": "yes", "reminders": 0}
        parking, resumption = await shifts(pipeline, job)
        assert (parking.by, resumption.by) == (None, subjects.journal(named(job), "signal.answer"))


async def test_whoever_asks_is_told_that_it_waits_and_what_for(pipeline: Pipeline, gateway: GatewayServer) -> None:
    job = await pipeline.submit("reminding", WAITING)
    await parked(pipeline, job)
    async with httpx.AsyncClient(base_url=gateway.url) as http:
        state = JobState.model_validate_json((await http.get(f"/jobs/{job}")).content)
        assert (state.status, state.deadline, [one.signal for one in state.waiting]) == ("waiting", None, ["answer"])
        for query, found in (({}, [job]), ({"status": "waiting"}, [job]), ({"status": "running"}, [])):
            listed = (await http.get("/jobs", params=query)).json()["jobs"]
            assert [one["id"] for one in listed] == found
            assert all(one["status"] == "waiting" for one in listed)
        await answer(pipeline, job)
        await pipeline.result(job)
        state = JobState.model_validate_json((await http.get(f"/jobs/{job}")).content)
        assert (state.status, state.waiting) == ("completed", ())


async def test_a_job_that_does_something_beside_its_wait_is_not_parked(pipeline: Pipeline) -> None:
    """Its steps go on, whatever they take."""
    await pipeline.stop("workers")
    job = await pipeline.submit("reminding", {"sleeps": [0.1], "notes": 1, "timeouts": [None]})
    async with asyncio.timeout(PATIENCE):
        async for event in pipeline.following(job):
            if event.type == "job.resumed":
                break
    await asyncio.sleep(1.5)  # longer than a job that only waits is kept
    assert not await shifts(pipeline, job)
    await pipeline.start("workers")
    await parked(pipeline, job)
    await answer(pipeline, job)
    assert (await pipeline.result(job))["answer"] == "yes"


async def test_a_job_that_has_cancelled_a_step_is_parked_like_others(pipeline: Pipeline) -> None:
    """Nobody waits for that step any more, whether it is done or not."""
    await pipeline.stop("workers")
    job = await pipeline.submit("reminding", WAITING | {"dropped": True})
    await parked(pipeline, job)
    await answer(pipeline, job)
    assert (await pipeline.result(job))["answer"] == "yes"


async def test_a_parked_job_can_be_cancelled(pipeline: Pipeline) -> None:
    """An aggregator sees to what is to be done at a job's end."""
    job = await pipeline.submit("reminding", WAITING)
    await parked(pipeline, job)
    async with pipeline.settlements() as settled:
        state = await jobs.cancel(pipeline.bus, named(job))
        await settled.wait_for("ACK", stream=subjects.TIMERS)
    assert state is not None
    assert state.status == "cancelled"
    assert (await pipeline.events(job))[-1].type == "job.cancelled"
    (_, resumed) = await shifts(pipeline, job)
    assert resumed.by == subjects.due(named(job), "=cancelled")
    with pytest.raises(Refused, match="cancelled"):
        await answer(pipeline, job)


async def test_the_deadline_counts_all_the_time_where_the_request_says_so(pipeline: Pipeline) -> None:
    """A timer ends a job that waits."""
    options = {"deadlineSeconds": 2, "deadlineCounts": "all"}
    job = await pipeline.submit("reminding", {"sleeps": [3600], "options": options})
    assert (await pipeline.failure(job)).problem.code == "deadline_exceeded"
    assert len(await shifts(pipeline, job)) == 2


async def test_else_the_deadline_counts_the_time_that_the_job_works(pipeline: Pipeline) -> None:
    job = await pipeline.submit("reminding", {"sleeps": [2.5], "options": {"deadlineSeconds": 60}})
    await pipeline.result(job)
    parking, resumption = await shifts(pipeline, job)
    state = await jobs.look_up(pipeline.bus, named(job))
    assert state is not None
    assert state.accepted_at is not None
    assert state.deadline is not None
    given = (state.deadline - state.accepted_at).total_seconds()
    assert given == pytest.approx(60 + resumption.at - parking.at, abs=0.002)


@pytest.fixture
async def aggregators(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Replica]]:
    """Two processes, in the place of the aggregator in this one."""
    await pipeline.stop("aggregator")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    async with AsyncExitStack() as stack:
        replicas = [Replica("aggregator") for _ in range(2)]
        for replica in replicas:
            stack.push_async_callback(replica.end)
            await start(pipeline, replica)
        yield replicas


async def start(pipeline: Pipeline, replica: Replica) -> None:
    await replica.start(pipeline.settings, patterns=NAME, ack_wait=2, model_base_url=pipeline.settings.model_base_url)


async def test_an_approval_given_while_every_aggregator_is_dead_is_honoured_when_one_returns(
    pipeline: Pipeline, aggregators: list[Replica]
) -> None:
    """Of jobs that were parked, and of those that were not yet when they were killed."""
    early = [await pipeline.submit("reminding", WAITING) for _ in range(5)]
    await parked(pipeline, *early)
    late = [await pipeline.submit("reminding", WAITING) for _ in range(5)]
    async for event in pipeline.following(late[-1]):
        if isinstance(event, JobWaiting):
            break
    for replica in aggregators:
        await replica.end()
    for job in early + late:
        await answer(pipeline, job)
    await start(pipeline, aggregators[0])
    for job in early + late:
        assert await pipeline.result(job) == {"answer": "yes", "reminders": 0}


async def test_a_process_that_is_killed_while_it_takes_a_job_up_loses_nothing(
    pipeline: Pipeline, aggregators: list[Replica]
) -> None:
    """The signals and timers of many jobs come while one aggregator after the other is killed."""
    waiting = [await pipeline.submit("reminding", {"sleeps": [2], "timeouts": [None]}) for _ in range(40)]
    await parked(pipeline, *waiting)

    async def answered(job: str) -> None:
        async for event in pipeline.following(job):
            if isinstance(event, JobWaiting) and event.signal:
                await answer(pipeline, job)

    answering = [asyncio.create_task(answered(job)) for job in waiting]
    for _ in range(2):
        for replica in aggregators:
            await replica.end()
            await start(pipeline, replica)
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*answering)
    for job in waiting:
        assert await pipeline.result(job) == {"answer": "yes", "reminders": 0}


async def test_a_parked_job_is_left_to_those_that_have_its_pattern_whenever_it_is_woken(pipeline: Pipeline) -> None:
    """The time does not count for which it was parked."""
    job = await pipeline.submit("reminding", WAITING | {"options": {"deadlineSeconds": 6}})
    await parked(pipeline, job)
    await pipeline.stop("aggregator")
    await asyncio.sleep(6)
    async with pipeline.settlements() as settled:
        await pipeline.start("aggregator", patterns=(), handover=600.0)
        await answer(pipeline, job)
        await settled.wait_for("NAK", stream=subjects.JOURNAL)
    await pipeline.start("aggregator")
    assert (await pipeline.result(job))["answer"] == "yes"


async def test_a_job_whose_events_are_gone_is_shown_by_a_snapshot(pipeline: Pipeline) -> None:
    """A wait may last longer than events are kept: what is waited for is told all the same."""
    job = await pipeline.submit("reminding", WAITING)
    await parked(pipeline, job)
    await pipeline.bus.jetstream.purge_stream(subjects.EVENTS, subject=subjects.events(named(job)))
    impatient = pipeline.settings.model_copy(update={"heartbeat": 0.2})
    async with serving_gateway(impatient) as gateway, gateway.http.stream("GET", f"/jobs/{job}/events") as stream:
        lines = stream.aiter_lines()
        while not (line := await anext(lines)).startswith("data: "):
            pass
        told = json.loads(line.removeprefix("data: "))
        assert (told["type"], told["status"], told["pattern"]) == ("snapshot", "waiting", "reminding")
        assert [one["signal"] for one in told["waiting"]] == ["answer"]
        await answer(pipeline, job)
        assert [line async for line in lines if line == "event: job.completed"]
