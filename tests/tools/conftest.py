"""One sandbox for all tests of this folder, and a check that it leaves no child behind."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager

import pytest
import pytest_asyncio

from penstock.tools.sandbox import Limits, Sandbox


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with leaving_nothing(Sandbox(limits=Limits(wall_seconds=20))) as sandbox:
        yield sandbox


@pytest_asyncio.fixture(autouse=True, loop_scope="package")
async def no_task_left_behind() -> AsyncIterator[None]:
    """A test leaves no task running in the loop that all here share: a loop for each would take longer."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left, f"tasks left behind: {left}"


@pytest.fixture(autouse=True)
def no_process_left_behind() -> None:
    """Sandboxes that tests share replace their children meanwhile: each is looked after by `leaving_nothing`."""


@asynccontextmanager
async def leaving_nothing(sandbox: Sandbox) -> AsyncIterator[Sandbox]:
    """The sandbox, and a check that no child of it is left once it is closed."""
    async with aclosing(sandbox):
        yield sandbox
        children = sandbox.processes
    assert living(children) == []


def living(processes: Iterable[int]) -> list[int]:
    """Those of the processes that still exist, zombies included."""
    return [process for process in processes if _exists(process)]


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
