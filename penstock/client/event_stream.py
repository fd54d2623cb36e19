"""Server-sent events as the gateway sends them."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import get_args

import httpx
from httpx_sse import EventSource

from penstock.contracts.events import EVENT, Event
from penstock.contracts.job import Snapshot

_KNOWN = frozenset(kind.model_fields["type"].default for kind in get_args(get_args(Event)[0]))


@dataclass(frozen=True, slots=True)
class ServerSent:
    """One message. `event`: None where it carries none that this version knows. `retry`: seconds."""

    event: Event | Snapshot | None
    cursor: int
    retry: float | None


async def read(response: httpx.Response) -> AsyncGenerator[ServerSent, None]:
    """The messages of a response, as they come."""
    async with aclosing(EventSource(response).aiter_sse()) as messages:
        async for sent in messages:
            yield ServerSent(
                event=_event(sent.event, sent.data),
                cursor=int(sent.id) if sent.id.isdecimal() else 0,
                retry=None if sent.retry is None else sent.retry / 1000,
            )


def _event(kind: str, data: str) -> Event | Snapshot | None:
    if kind == "snapshot":
        return Snapshot.model_validate_json(data)
    return EVENT.validate_json(data) if kind in _KNOWN and data else None
