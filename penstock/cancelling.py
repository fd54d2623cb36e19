"""Ending a task for certain."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Seconds after which a task that still runs is cancelled again. What it does to clean up is cut short by that.
_AGAIN = 0.5


async def stop(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and return once they have ended, whatever they end with.

    Cancelling once is not enough before Python 3.12: `asyncio.wait_for`, which nats-py waits with, forgets a
    cancellation that comes together with what it waits for.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_AGAIN)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # seen


@contextmanager
def own_cancellation() -> Iterator[None]:
    """Let a CancelledError pass only where this task was cancelled, and not a future that others wait for, too."""
    try:
        yield
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
