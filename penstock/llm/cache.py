"""Replies that are kept, as who asks knows them: where they are kept is another room's business."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from penstock.contracts.turns import Kept

R = TypeVar("R")


class Cache(Protocol):
    async def reply(
        self, key: str, read: Callable[[Kept], R], ask: Callable[[], Awaitable[tuple[R, Kept]]]
    ) -> tuple[R, Kept | None]:
        """What `read` makes of the reply that is kept under `key`; else what comes of `ask`, which is kept, and None.

        One that `read` refuses (OutputInvalid, ValidationError) is none. While another one asks the same, that reply
        is waited for. Raises what `ask` raises, and nothing of the cache's own.
        """
        ...

    async def forget(self, key: str) -> None:
        """What is kept under `key` is no use."""
        ...
