"""One simulator a file, the real google-genai client pointed at it, and the steering client, cleared for each test."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
import pytest_asyncio
from google import genai
from google.genai import types
from google.genai.client import AsyncClient

from penstock.testing.threads import in_thread
from tests.support.simulator import Steering, serving


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with in_thread(serving()) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gemini(url: str) -> AsyncIterator[AsyncClient]:
    # by itself the SDK takes aiohttp where that is installed, and raises what that raises
    async with httpx2.AsyncClient() as http:
        options = types.HttpOptions(base_url=url, httpx_async_client=http)
        async with genai.Client(api_key="x", http_options=options).aio as client:
            yield client


@pytest_asyncio.fixture(loop_scope="module")
async def steering(url: str) -> AsyncIterator[Steering]:
    async with Steering(url) as steering:
        await steering.clear()
        yield steering
        await steering.clear()
