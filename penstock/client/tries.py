"""How long a client goes on trying, and how it waits in between."""

import asyncio
import random

from penstock.client.errors import Unreachable

#: Seconds before the second try; doubles with each further one, up to the second number.
_FIRST, _LONGEST = 0.1, 5.0


class Tries:
    """Pauses between tries at `what`; gives up `patience` seconds after the last success."""

    def __init__(self, what: str, patience: float) -> None:
        self._what, self._patience = what, patience
        self._failed = 0
        self._since: float | None = None

    def succeeded(self) -> None:
        self._failed = 0
        self._since = None

    async def pause(self, why: str, *, at_least: float = 0.0) -> None:
        """Wait for the next try: `at_least` seconds, if the other side asked for that.

        Raises Unreachable where the patience would be over by then.
        """
        now = asyncio.get_running_loop().time()
        if self._since is None:
            self._since = now
        # jitter: those who lost the same server do not come back at the same moment
        wait = max(at_least, min(_LONGEST, _FIRST * 2**self._failed) * random.uniform(0.5, 1.0))
        self._failed += 1
        if now + wait > self._since + self._patience:
            raise Unreachable(f"{self._what}: {why}")
        await asyncio.sleep(wait)
