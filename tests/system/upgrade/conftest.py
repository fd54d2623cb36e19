"""A system whose replicas are of several releases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from penstock.settings import Settings
from tests.support.simulator import Steering
from tests.system.upgrade.rollout import Rollout, rolling


@pytest.fixture
async def rollout(settings: Settings, gemini: Steering, tmp_path: Path) -> AsyncIterator[Rollout]:
    async with rolling(settings, gemini, tmp_path) as rollout:
        yield rollout
