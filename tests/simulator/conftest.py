"""A simulator of its own for each test, the real google-genai client pointed at it, and the steering client."""

from collections.abc import AsyncIterator

import pytest
from google import genai
from google.genai import types
from google.genai.client import AsyncClient

from simulator.server import serving
from simulator.steering import Steering


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with serving() as url:
        yield url


@pytest.fixture
async def gemini(url: str) -> AsyncIterator[AsyncClient]:
    async with genai.Client(api_key="x", http_options=types.HttpOptions(base_url=url)).aio as client:
        yield client


@pytest.fixture
async def steering(url: str) -> AsyncIterator[Steering]:
    async with Steering(url) as steering:
        yield steering
