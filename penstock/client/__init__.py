"""Penstock from Python: submit jobs, watch their results grow, over HTTP or over NATS.

    async with HttpClient("http://127.0.0.1:8080") as client:
        result = await client.run(routing.PATTERN, {"query": "Where is my order?"})

`NatsClient` has the same interface.
"""

from penstock.client.client import Client
from penstock.client.dead_letters import DeadLetters
from penstock.client.errors import (
    ClientError,
    JobCancelledError,
    JobFailedError,
    RequestRefused,
    UnknownJob,
    Unreachable,
)
from penstock.client.job_events import JobEvents, partial_results
from penstock.client.over_http import HttpClient
from penstock.client.over_nats import NatsClient

__all__ = [
    "Client",
    "ClientError",
    "DeadLetters",
    "HttpClient",
    "JobCancelledError",
    "JobEvents",
    "JobFailedError",
    "NatsClient",
    "RequestRefused",
    "UnknownJob",
    "Unreachable",
    "partial_results",
]
