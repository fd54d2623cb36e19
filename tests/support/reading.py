"""Reading streams as they come."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from httpx_sse import ServerSentEvent, aconnect_sse


async def sse(
    http: httpx.AsyncClient, path: str, *, method: str = "GET", until: str | None = None, **options: Any
) -> list[ServerSentEvent]:
    """All events, or those up to the first of type `until`."""
    found = []
    async with aconnect_sse(http, method, path, **options) as source:
        source.response.raise_for_status()
        async for event in source.aiter_sse():
            found.append(event)
            if event.event == until:
                break
    return found


@asynccontextmanager
async def json_text(http: httpx.AsyncClient, path: str, body: Any) -> AsyncIterator[tuple[str, AsyncIterator[str]]]:
    """A job's id, and its JSON text piece by piece."""
    async with http.stream("POST", path, json=body) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("application/json")
        yield response.headers["x-job-id"], response.aiter_text()


async def chunks(http: httpx.AsyncClient, method: str, path: str, **options: Any) -> list[dict[str, Any]]:
    """The chunks of a whole UI message stream."""
    async with aconnect_sse(http, method, path, **options) as source:
        assert source.response.headers["x-vercel-ai-ui-message-stream"] == "v1"
        lines = [event.data async for event in source.aiter_sse()]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


async def broken_body(http: httpx.AsyncClient, path: str, body: Any) -> str:
    """The id of a job whose JSON text must break off."""
    async with json_text(http, path, body) as (job, pieces):
        with pytest.raises(httpx.RemoteProtocolError):
            [piece async for piece in pieces]
    return job
