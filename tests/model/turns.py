"""How a rule of the machine is carried out."""

import asyncio
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

P = ParamSpec("P")


def turn(action: Callable[P, None]) -> Callable[P, None]:
    """The machine's loop runs it, and then all that can go on."""

    @wraps(action)
    def taken(*given: P.args, **named: P.kwargs) -> None:
        async def act() -> None:
            action(*given, **named)

        loop = asyncio.get_event_loop_policy().get_event_loop()
        loop.run_until_complete(act())
        loop.run_until_complete(asyncio.sleep(0.001))

    return taken


def after_some_turns(action: Callable[..., None]) -> Callable[..., None]:
    """What befalls does so at any depth."""

    def befall(self: Any, *, turns: int, **named: Any) -> None:
        for _ in range(turns):
            self._go_on()
        action(self, **named)

    befall.__name__ = action.__name__
    return befall
