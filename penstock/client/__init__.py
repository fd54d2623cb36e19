"""Penstock from Python: submit jobs, watch their results grow, over HTTP or over NATS.

    async with HttpClient("http://127.0.0.1:8080") as client:
        result = await client.run(routing.PATTERN, {"query": "Where is my order?"})

`NatsClient` has the same interface.
"""

from penstock.client.client import Client, Request
from penstock.client.dead_letters import DeadLetter, DeadLetters, NotReplayable, Replayed
from penstock.client.errors import (
    ClientError,
    JobCancelledError,
    JobFailedError,
    RequestRefused,
    UnknownJob,
    Unreachable,
    describe,
)
from penstock.client.following import Following, growing, grown, unless_completed
from penstock.client.over_http import HttpClient
from penstock.client.over_nats import NatsClient

__all__ = [
    "Client",
    "ClientError",
    "DeadLetter",
    "DeadLetters",
    "Following",
    "HttpClient",
    "JobCancelledError",
    "JobFailedError",
    "NatsClient",
    "NotReplayable",
    "Replayed",
    "Request",
    "RequestRefused",
    "UnknownJob",
    "Unreachable",
    "describe",
    "growing",
    "grown",
    "unless_completed",
]
