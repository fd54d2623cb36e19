"""The simulator, and the real client in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import pytest_asyncio
from pydantic import SecretStr

from penstock.llm.access import KEYS
from penstock.llm.client import Llm
from penstock.settings import Models
from tests.support.simulator import Steering

KEY = "AIzaSyNotARealKey"


@pytest.fixture(autouse=True)
def no_keys_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*KEYS, "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def simulator(gemini_url: str) -> str:
    return gemini_url


@pytest.fixture
def steering(gemini: Steering) -> Steering:
    return gemini


@pytest_asyncio.fixture
async def llm(simulator: str, steering: Steering) -> AsyncIterator[Llm]:
    settings = Models(model_base_url=simulator, model_api_key=SecretStr(KEY), model_first_token_timeout=20)
    async with aclosing(Llm(settings)) as llm:
        yield llm
