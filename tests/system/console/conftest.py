"""One running system and one browser for all that is seen in the console."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.support.node import modules
from tests.support.simulator import Steering
from tests.system.cli.system import System
from tests.system.console.browser import Console, chromium, tab

HERE = Path(__file__).parent


@pytest.fixture(scope="package")
def shared_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """With a pattern that waits for approval; what a killed worker leaves is soon taken over; open, also once a test
    has made a key.
    """
    data = tmp_path_factory.mktemp("console") / "data"
    with System(data, cwd=HERE, PENSTOCK_ACK_WAIT="2", PENSTOCK_OPEN="true") as system:
        yield system


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def gemini(shared_system: System) -> AsyncIterator[Steering]:
    async with Steering(shared_system.simulator_url) as steering:
        yield steering
        await steering.clear()


@pytest_asyncio.fixture(loop_scope="session")
async def console(shared_system: System, browser: Browser) -> AsyncIterator[Console]:
    async with tab(browser, shared_system.url("gateway")) as opened:
        yield opened


@pytest.fixture(scope="package")
def axe() -> str:
    """axe-core, as a script."""
    return (modules() / "axe-core" / "axe.min.js").read_text()
