"""Steering the simulator from tests that have no event loop."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from penstock.simulator.steering import Steering


class BlockingSteering:
    """The methods of `Steering`, each waited for; the simulator must run elsewhere."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def asking(*given: Any, **named: Any) -> Any:
            async with Steering(self._url) as steering:
                return await getattr(steering, name)(*given, **named)

        def ask(*given: Any, **named: Any) -> Any:
            # asyncio.run would take away the loop that a test has set
            with contextlib.closing(asyncio.new_event_loop()) as loop:
                return loop.run_until_complete(asking(*given, **named))

        return ask
