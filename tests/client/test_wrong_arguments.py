"""What cannot be right is refused at once, by both clients alike: nobody is asked."""

import math
import pickle
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from penstock.client import (
    Client,
    ClientError,
    HttpClient,
    JobCancelledError,
    JobFailedError,
    NatsClient,
    RequestRefused,
    UnknownJob,
    Unreachable,
)
from penstock.client.dead_letters import NotReplayable
from penstock.errors import Misconfigured, Refused
from penstock.hosting.ports import free_port
from tests.support.servers import NatsServer

QUERY: dict[str, Any] = {"query": "Our API answers 502 since the deploy"}
CYCLE: dict[str, Any] = {}
CYCLE["query"] = CYCLE
NO_TOKENS: list[Any] = [
    None,
    5,
    "a.b",
    "",
    "ü",
    "routing\r\nX-Injected: 1",
    "../jobs",
    "routing/../jobs",
    "*",
    ">",
    "x" * 65,
]


@pytest.fixture
async def clients(nats: NatsServer) -> AsyncIterator[list[Client]]:
    """There is no gateway and there are no streams: whoever asked would wait, and not be refused."""
    async with AsyncExitStack() as stack:
        http, over_nats = HttpClient(f"http://127.0.0.1:{free_port()}"), NatsClient(nats.url)
        yield [await stack.enter_async_context(http), await stack.enter_async_context(over_nats)]


async def test_a_pattern_s_name_is_a_token(clients: list[Client]) -> None:
    """Nothing else becomes part of a path or of a subject."""
    for client in clients:
        for name in NO_TOKENS:
            with pytest.raises(RequestRefused, match="invalid_request: a pattern's name"):
                await client.submit(name, QUERY)
            with pytest.raises(RequestRefused, match="a pattern's name"):
                await client.run(name, QUERY)
            if name is not None:
                with pytest.raises(RequestRefused, match="a pattern's name"):
                    await anext(client.jobs(pattern=name))


async def test_a_request_is_a_json_object(clients: list[Client]) -> None:
    """NaN, what has no JSON, half a character, and an object that contains itself are none."""
    for client in clients:
        wrong: Any
        for wrong in (
            {"query": math.nan},
            {"query": math.inf},
            {"query": {1}},
            {"query": "\ud800"},
            CYCLE,
            "text",
            "",
            [],
            None,
            5,
        ):
            with pytest.raises(RequestRefused, match="no JSON object"):
                await client.submit("routing", wrong)


async def test_an_idempotency_key_is_visible_ascii(clients: list[Client]) -> None:
    for client in clients:
        key: Any
        for key in ("", "ü", "order\r\nX-Injected: 1", "x" * 256, 5, b"order"):
            with pytest.raises(RequestRefused, match="an idempotency key is"):
                await client.submit("routing", QUERY, idempotency_key=key)


async def test_a_job_s_id_is_a_token(clients: list[Client]) -> None:
    for client in clients:
        for job in NO_TOKENS:
            for asking in (client.state, client.cancel):
                with pytest.raises(UnknownJob):
                    await asking(job)
            with pytest.raises(UnknownJob):
                await anext(client.follow(job))


async def test_filters_of_jobs_are_checked(clients: list[Client]) -> None:
    wrong: Any
    for client in clients:
        for wrong in (math.nan, math.inf, 1e300, 1e11, -1e12, 10**400, "2026-01-01", []):
            for name in ("since", "until"):
                with pytest.raises(RequestRefused, match=f"invalid_request: {name} is Unix seconds"):
                    await anext(client.jobs(**{name: wrong}))
        for wrong in ("done", [], 5):
            with pytest.raises(RequestRefused, match="invalid_request: a status is one of"):
                await anext(client.jobs(status=wrong))
        for wrong in ("A", "*", "a.b", "", "x" * 33, 5):
            with pytest.raises(RequestRefused, match="invalid_request: a tenant is"):
                await anext(client.jobs(tenant=wrong))


async def test_a_cursor_is_a_number_that_events_have(clients: list[Client]) -> None:
    wrong: Any
    for client in clients:
        for wrong in (-1, 1.5, 10**30, "41", True, None):
            with pytest.raises(RequestRefused, match="invalid_request: a cursor"):
                client.follow("some-job", after=wrong)


@pytest.mark.parametrize("key", ["ü", "key\r\nX-Injected: 1"])
def test_an_api_key_is_visible_ascii(key: str) -> None:
    with pytest.raises(Misconfigured, match="API key"):
        HttpClient("http://127.0.0.1:1", api_key=key)


def test_errors_survive_pickling() -> None:
    """They cross processes: those of a pool, say."""
    problem = Refused("unknown_pattern", "there is no such pattern").problem()
    errors: list[ClientError] = [
        JobFailedError("job-1", problem),
        JobCancelledError("job-1"),
        RequestRefused(problem),
        UnknownJob("job-1"),
        Unreachable("nobody answers"),
        NotReplayable("there is no dead letter 1"),
    ]
    for error in errors:
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
