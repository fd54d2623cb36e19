"""What holds for every client, whichever way it goes."""

import asyncio
import subprocess
import sys
import time
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest

from penstock.client import (
    Client,
    JobCancelledError,
    JobEvents,
    JobFailedError,
    RequestRefused,
    UnknownJob,
    partial_results,
)
from penstock.contracts.events import Delta, Event, JobAccepted, JobCancelled, JobCompleted
from penstock.contracts.job import Snapshot
from penstock.jetstream.bus import Bus
from penstock.patterns import routing
from penstock.patterns.routing.contract import RoutingRequest, RoutingResult
from penstock.simulator.wire import Fault, Reply
from tests.support.gateway_process import GatewayServer
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline

QUERY = {"query": "Our API answers 502 since the deploy"}


async def test_a_run_returns_the_patterns_own_result(client: Client, pipeline: Pipeline) -> None:
    """A request is its model or a mapping, a pattern itself or its name."""
    await pipeline.gemini.rule(reply=Reply(vary=False))
    result = await client.run(routing.PATTERN, RoutingRequest(**QUERY))
    assert isinstance(result, RoutingResult)
    again = await client.run("routing", QUERY)
    assert isinstance(again, RoutingResult)
    assert again.response == result.response


async def test_a_stream_tells_the_job_from_acceptance_to_end(client: Client) -> None:
    """The job's id and the place in the stream can be read at any time."""
    events = client.stream(routing.PATTERN, QUERY)
    seen = [event async for event in events]
    assert isinstance(seen[0], JobAccepted)
    assert seen[0].job == events.job
    assert isinstance(seen[-1], JobCompleted)
    assert sum(isinstance(event, Delta) for event in seen) > 2
    state = await client.state(events.job)
    assert (state.status, state.result) == ("completed", seen[-1].result)


async def test_following_goes_on_behind_a_cursor(client: Client) -> None:
    """What one reader has left off, another goes on with: nothing twice, nothing left out."""
    job = await client.submit("routing", QUERY)
    whole = [event async for event in client.follow(job)]
    for left_off in (1, len(whole) // 2, len(whole) - 1):
        first = client.follow(job)
        async with first:
            begun = [await anext(first) for _ in range(left_off)]
        rest = [event async for event in client.follow(job, after=first.cursor)]
        assert begun + rest == whole


async def test_past_the_end_there_is_nothing_to_follow(client: Client) -> None:
    events = client.stream("routing", QUERY)
    assert [event async for event in events]
    assert [event async for event in client.follow(events.job, after=events.cursor)] == []


async def test_partials_only_grow_up_to_the_result(client: Client) -> None:
    """Each is a value of its own and holds all that the one before it held."""
    partials = [partial async for partial in client.partials("sequential-processing", {"input": "A solar lamp"})]
    assert len(partials) > 5
    for before, after in pairwise(partials):
        assert grew(before, after), (before, after)
    assert list(partials[0]) == ["originalContent"]
    assert partials[-1]["finalScore"]
    assert partials[0] is not partials[1]


async def test_a_failed_job_is_raised_with_its_problem(client: Client, pipeline: Pipeline) -> None:
    """`stream` tells of the failure as an event; what promises a result raises it."""
    await pipeline.gemini.rule(step="classify", fault=Fault(status=400))
    with pytest.raises(JobFailedError, match="model_rejected") as failed:
        await client.run("routing", QUERY)
    assert failed.value.problem.step == "classify-1"
    with pytest.raises(JobFailedError):
        [partial async for partial in partial_results(client.follow(failed.value.job))]


async def test_a_request_that_does_not_fit_is_refused(client: Client) -> None:
    """Nothing is submitted; the problem names the field."""
    with pytest.raises(RequestRefused) as refused:
        await client.submit("routing", {"query": 5})
    assert refused.value.problem.code == "invalid_request"
    assert [error.pointer for error in refused.value.problem.errors or ()] == ["/query"]
    assert [job async for job in client.jobs()] == []


async def test_a_key_makes_a_submission_safe_to_repeat(client: Client, over_http: Client, over_nats: Client) -> None:
    """The same key with the same request is one job, whichever way; with another request it is refused."""
    first = await client.submit("routing", QUERY, idempotency_key='order "7"')
    for way in (over_http, over_nats):
        assert await way.submit("routing", QUERY, idempotency_key='order "7"') == first
        with pytest.raises(RequestRefused, match="idempotency_key_reused"):
            await way.submit("routing", {"query": "Something else"}, idempotency_key='order "7"')
    assert [job.id async for job in client.jobs()] == [first]
    with pytest.raises(RequestRefused, match="1 to 255"):
        await client.submit("routing", QUERY, idempotency_key="")


async def test_a_cancelled_job_is_raised_as_such(client: Client, pipeline: Pipeline) -> None:
    """Cancelling answers with the state after it, and the reader hears of it."""
    await pipeline.gemini.rule(step="classify", reply=Reply(hold="classify"))
    events = client.stream("routing", QUERY)
    await anext(events)
    assert (await client.cancel(events.job)).status == "cancelled"
    assert isinstance([event async for event in events][-1], JobCancelled)
    with pytest.raises(JobCancelledError):
        [partial async for partial in partial_results(client.follow(events.job))]


async def test_a_late_cancel_changes_nothing(client: Client) -> None:
    events = client.stream("routing", QUERY)
    assert [event async for event in events]
    assert (await client.cancel(events.job)).status == "completed"


async def test_jobs_are_listed_page_by_page_newest_first(client: Client, pipeline: Pipeline) -> None:
    """Filters are pattern, status and time, which is in whole milliseconds."""
    before = int(time.time() * 1000) / 1000
    submitted = [await pipeline.submit("routing", {"query": 5}) for _ in range(120)]
    await pipeline.failure(submitted[-1])
    other = await client.submit("sequential-processing", {"input": "A solar lamp"})
    assert [job.id async for job in client.jobs(pattern="routing")] == submitted[::-1]
    assert [job.id async for job in client.jobs(pattern="sequential-processing")] == [other]
    assert submitted[-1] in [job.id async for job in client.jobs(status="failed")]
    assert [job async for job in client.jobs(until=before)] == []


@pytest.mark.parametrize("job", ["nobody", "no token", "../patterns"])
async def test_an_unknown_job_is_said_to_be_unknown(client: Client, job: str) -> None:
    for asking in (client.state, client.cancel):
        with pytest.raises(UnknownJob):
            await asking(job)
    with pytest.raises(UnknownJob):
        await anext(client.follow(job))


async def test_events_that_are_gone_are_replaced_by_a_snapshot(client: Client, bus: Bus) -> None:
    """Where EVENTS no longer has a job's beginning, its result is there all the same."""
    events = client.stream("routing", QUERY)
    result = [event async for event in events][-1]
    assert isinstance(result, JobCompleted)
    await bus.jetstream.purge_stream("EVENTS", subject=f"events.default.{events.job}")
    assert [partial async for partial in partial_results(client.follow(events.job))][-1] == result.result


async def test_130_jobs_are_followed_at_once(client: Client, pipeline: Pipeline) -> None:
    """Meanwhile the client checks and cancels as ever, and as many at once."""
    await pipeline.gemini.rule(step="classify", reply=Reply(hold="classify"))
    following = [client.stream("routing", QUERY) for _ in range(130)]
    await asyncio.gather(*map(anext, following))
    await client.check()
    states = await asyncio.gather(*(client.cancel(one.job) for one in following))
    assert {state.status for state in states} == {"cancelled"}
    assert all(isinstance(one, JobCancelled) for one in await asyncio.gather(*map(last, following)))


async def test_an_event_that_was_not_waited_for_is_not_lost(client: Client, pipeline: Pipeline) -> None:
    """Waiting may be given up and begun again."""
    await pipeline.gemini.rule(step="classify", reply=Reply(hold="classify"))
    events = client.stream("routing", QUERY)
    seen = [await anext(events)]
    with suppress(TimeoutError):
        while True:
            seen.append(await asyncio.wait_for(anext(events), 0.2))
    await pipeline.gemini.release("classify")
    seen += [event async for event in events]
    assert seen == await pipeline.events(events.job)


@pytest.mark.parametrize("over", ["HttpClient", "NatsClient"])
async def test_a_loop_that_is_left_early_is_closed(gateway: GatewayServer, pipeline: Pipeline, over: str) -> None:
    """Without a word: while the program goes on, with the client, and at the program's end."""
    url = gateway.url if over == "HttpClient" else pipeline.settings.nats_url
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _LEAVING, over, url, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE):
        assert await program.communicate() == (b"closed\n", b"")


_LEAVING = """
import asyncio, logging, sys
from penstock import client

logging.getLogger("asyncio").setLevel(logging.ERROR)

async def main(over, url):
    for _ in range(2):
        async with getattr(client, over)(url) as opened:
            await opened.submit("routing", {"query": "x"})
            before = len(asyncio.all_tasks())
            async for event in opened.stream("routing", {"query": "x"}):
                break
            async for partial in opened.partials("routing", {"query": "x"}):
                break
            while len(asyncio.all_tasks()) > before:
                await asyncio.sleep(0.01)
            async for event in opened.stream("routing", {"query": "x"}):
                break
            left = opened.stream("routing", {"query": "x"})
            await anext(left)
    opened = getattr(client, over)(url)
    await opened.__aenter__()
    left, partials = opened.stream("routing", {"query": "x"}), opened.partials("routing", {"query": "x"})
    await anext(left)
    await anext(partials)
    print("closed")

asyncio.run(main(*sys.argv[1:]))
"""


async def last(following: JobEvents) -> Event | Snapshot:
    return [event async for event in following][-1]


@pytest.fixture
def bus(pipeline: Pipeline) -> Bus:
    return pipeline.bus


def grew(before: Any, after: Any) -> bool:
    """Whether `after` is `before` with more in it."""
    if isinstance(before, dict):
        return all(name in after and grew(before[name], after[name]) for name in before)
    if isinstance(before, list):
        return len(after) >= len(before) and all(map(grew, before, after))
    return after.startswith(before) if isinstance(before, str) else bool(before == after)
