from collections.abc import AsyncIterator

import pytest

from penstock.settings import Settings
from tests.support.pipeline import Pipeline, pipeline_of
from tests.support.simulator import Steering


@pytest.fixture
async def bare(settings: Settings, gemini: Steering) -> AsyncIterator[Pipeline]:
    """No services: tests start their own, with as many slots as they need."""
    # what a machine that stands still for seconds has delivered again would change the order
    async with pipeline_of(settings.model_copy(update={"ack_wait": 30}), gemini) as pipeline:
        yield pipeline
