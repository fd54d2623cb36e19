"""How long a client goes on trying, and how it waits in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from penstock.backoff import delay
from penstock.client.errors import Unreachable

#: Seconds before the second attempt; doubles with each further one, up to the second number.
_FIRST, _LONGEST = 0.1, 5.0


class TryLater(Exception):
    """The other side cannot do it now. `after`: the seconds it asks to wait."""

    def __init__(self, why: str, after: float = 0.0) -> None:
        super().__init__(why)
        self.after = after


class Backoff:
    """Attempts at `what`; Unreachable is raised once they have failed for `patience` seconds.

    while True:
        async with backoff.attempt(OSError):
            return await something()
    """

    def __init__(self, what: str, patience: float) -> None:
        self._what, self._patience = what, patience
        #: Seconds that the other side asks to wait before each attempt but the first.
        self.at_least = 0.0
        self.succeeded()

    def succeeded(self) -> None:
        """What comes after this has all the patience again."""
        self._failed = 0
        self._since: float | None = None

    @asynccontextmanager
    async def attempt(self, *errors: type[Exception]) -> AsyncIterator[None]:
        """Where the body ends in one of `errors` or TryLater, wait until it is time for the next attempt."""
        passing: tuple[type[Exception], ...] = (TryLater, *errors)
        try:
            yield
        except passing as error:
            now = asyncio.get_running_loop().time()
            self._since = self._since or now
            self._failed += 1
            after = error.after if isinstance(error, TryLater) else 0.0
            wait = max(delay(self._failed, first=_FIRST, longest=_LONGEST), self.at_least, after)
            if now + wait > self._since + self._patience:
                raise Unreachable(f"{self._what}: {error or type(error).__name__}") from error
            await asyncio.sleep(wait)
