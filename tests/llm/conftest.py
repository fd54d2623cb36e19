"""The simulator, and the real client in front of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from pydantic import SecretStr

from penstock.llm.client import Llm
from penstock.llm.config import ModelConfig
from penstock.simulator.steering import Steering

KEY = "AIzaSyNotARealKey"


@pytest.fixture(autouse=True)
def no_keys_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def simulator() -> Iterator[str]:
    """One for all tests: a process of its own."""
    command = [sys.executable, "-m", "penstock.simulator", "--port", "0", "--pace", "off"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()


@pytest_asyncio.fixture
async def steering(simulator: str) -> AsyncIterator[Steering]:
    async with Steering(simulator) as steering:
        yield steering
        await steering.clear()


@pytest_asyncio.fixture
async def llm(simulator: str, steering: Steering) -> AsyncIterator[Llm]:
    async with Llm(ModelConfig(base_url=simulator, api_key=SecretStr(KEY), first_token_seconds=20)) as llm:
        yield llm
