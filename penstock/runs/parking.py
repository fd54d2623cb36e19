"""Parking a job, and taking it up again (penstock.jobs.shifts)."""

from collections.abc import Iterable

from penstock.contracts.waiting import Shift, Waiting, shift_key
from penstock.jetstream import subjects
from penstock.jobs.shifts import is_parked, parked_for
from penstock.runs.journal import Journal


class Parking:
    """The shifts of one job, for the holder of the message `subject`."""

    def __init__(self, journal: Journal, subject: str) -> None:
        self._journal, self._subject = journal, subject

    @property
    def shifts(self) -> list[Shift]:
        found: list[Shift] = []
        while (shift := self._journal.fact(shift_key(len(found)), Shift)) is not None:
            found.append(shift)
        return found

    @property
    def resumed(self) -> int:
        """How often the job was resumed."""
        return len(self.shifts) // 2

    @property
    def parked_for(self) -> float:
        return parked_for(self.shifts)

    async def is_mine(self, now: float) -> bool:
        """Whether the holder is to work on the job; one that is parked is taken up."""
        if is_parked(shifts := self.shifts):
            shifts.append(await self._journal.write(shift_key(len(shifts)), Shift(at=now, by=self._subject)))
        if not shifts:
            return subjects.stream_of(self._subject) == subjects.JOBS
        return shifts[-1].by == self._subject

    async def park(self, number: int, waits: Iterable[Waiting], now: float) -> bool:
        """Park the job by the shift `number`. False: something that it waits for has come meanwhile."""
        await self._journal.write(shift_key(number), Shift(at=now))
        await self._journal.read()
        return self._journal.end is None and not any(self._journal.has(*wait.ends) for wait in waits)
