"""JetStream's API, for what nats-py has no method for, or leaves fields out of."""

import json
from collections.abc import AsyncIterator
from typing import Any

from nats.aio.client import Client
from nats.js.errors import APIError

#: Seconds for one answer.
_ANSWER = 5.0


async def asked(connection: Client, subject: str, *, patience: float = _ANSWER, **query: Any) -> dict[str, Any]:
    """What JetStream's API answers. Raises APIError, nats.errors.Error."""
    message = await connection.request(f"$JS.API.{subject}", json.dumps(query).encode() if query else b"", patience)
    answer: dict[str, Any] = json.loads(message.data)
    if error := answer.get("error"):
        APIError.from_error(error)
    return answer


def consumers_of(connection: Client, stream: str) -> AsyncIterator[dict[str, Any]]:
    """What JetStream says of each consumer of a stream. Raises as `asked` does."""
    return _listed(connection, f"CONSUMER.LIST.{stream}", "consumers")


def streams(connection: Client) -> AsyncIterator[dict[str, Any]]:
    """What JetStream says of each stream. Raises as `asked` does."""
    return _listed(connection, "STREAM.LIST", "streams")


async def _listed(connection: Client, subject: str, what: str) -> AsyncIterator[dict[str, Any]]:
    """Page by page."""
    offset = 0
    while True:
        page = await asked(connection, subject, offset=offset)
        found = page.get(what) or ()
        for one in found:
            yield one
        offset += len(found)
        if not found or offset >= page["total"]:
            return
