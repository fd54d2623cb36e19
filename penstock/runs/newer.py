"""A job of which a newer release has written what this one cannot read: it is handed back, and its pattern not told."""

import asyncio

from pydantic import ValidationError

from penstock.jetstream.settling import TooNew
from penstock.runs.journal import Journal


class Newer:
    """Of one run. `found` is raised as soon as it comes to such a fact; its coroutine is to be given up then."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.found: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def has(self, key: str, error: Exception) -> bool:
        """Whether `error` came of a fact that a newer release has written under `key`."""
        try:
            if isinstance(error, ValidationError):
                self._journal.leave_to_newer(key)
        except TooNew as too_new:
            error = too_new
        if not isinstance(error, TooNew):
            return False
        if not self.found.done():
            self.found.set_exception(error)
        return True
