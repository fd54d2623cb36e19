"""Jobs of which a newer release has written what cannot be read here: they are handed back, their patterns not told."""

import asyncio
from collections.abc import Callable

from pydantic import ValidationError

from penstock.contracts.wire import JobName
from penstock.jetstream.settling import TooNew
from penstock.runs.journal import Journal

#: Of so many jobs it is known; beyond that all are looked at anew.
_KNOWN = 10_000


class NewerFacts:
    """Of one aggregator. A job that was handed back for such a fact is not begun again here, as a begun run counts."""

    def __init__(self) -> None:
        self._left: dict[JobName, tuple[TooNew, float]] = {}

    def leave(self, job: JobName, now: float) -> None:
        """Raises TooNew for a job that was handed back, up to its deadline, which any release can write."""
        error, deadline = self._left.get(job, (None, 0.0))
        if error is not None and now < deadline:
            raise TooNew(error.by, error.what)
        self._left.pop(job, None)

    def of(self, journal: Journal, job: JobName, deadline: float) -> "NewerFactsOfRun":
        def left(error: TooNew) -> None:
            if len(self._left) >= _KNOWN:
                self._left.clear()
            self._left[job] = error, deadline

        return NewerFactsOfRun(journal, left)


class NewerFactsOfRun:
    """`found` is raised as soon as a run comes to such a fact; its coroutine is to be given up then."""

    def __init__(self, journal: Journal, left: Callable[[TooNew], None]) -> None:
        self._journal, self._left = journal, left
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
            self._left(error)
            self.found.set_exception(error)
        return True
