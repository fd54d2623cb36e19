"""How long a client goes on trying, and how it waits in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from penstock.backoff import delay
from penstock.client.errors import Unreachable
from penstock.errors import Transient

#: Seconds before the second attempt; doubles with each further one, up to the second number.
_FIRST, _LONGEST = 0.1, 5.0


@dataclass
class Backoff:
    """Attempts at `what`; Unreachable is raised once they have failed for `patience` seconds.

    while True:
        async with backoff.attempt(OSError):
            return await something()
    """

    what: str
    patience: float
    #: Seconds that the other side asks to wait before each attempt but the first.
    at_least: float = 0.0
    _failed: int = field(default=0, init=False)
    _since: float = field(default=0.0, init=False)

    def succeeded(self) -> None:
        """What comes after this has all the patience again."""
        self._failed = 0

    @asynccontextmanager
    async def attempt(self, *errors: type[Exception]) -> AsyncIterator[None]:
        """Where the body ends in one of `errors` or Transient, wait until it is time for the next attempt."""
        passing: tuple[type[Exception], ...] = (Transient, *errors)
        try:
            yield
        except passing as error:
            now = asyncio.get_running_loop().time()
            self._since = self._since if self._failed else now
            self._failed += 1
            requested = error.retry_after if isinstance(error, Transient) else None
            wait = max(delay(self._failed, first=_FIRST, longest=_LONGEST, requested=requested), self.at_least)
            if now + wait > self._since + self.patience:
                raise Unreachable(f"{self.what}: {error or type(error).__name__}") from error
            await asyncio.sleep(wait)
