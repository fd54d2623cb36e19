"""One sandbox for all tests of a session, and a check that it leaves no child behind."""

import os
from collections.abc import AsyncIterator, Iterable

import pytest_asyncio

from penstock.tools.sandbox import Limits, Sandbox


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(limits=Limits(calls_per_worker=1_000_000)) as sandbox:
        await sandbox.start()
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
