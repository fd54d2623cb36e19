"""The lane of each step: what is beyond a tenant's share waits in one of its own (docs/adr/0028)."""

from collections import Counter
from typing import Any

from penstock import correlation
from penstock.contracts.options import Urgency
from penstock.contracts.step import Step, StepMessage
from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus


class Shares:
    """The steps in flight of one aggregator: dispatched, and without an outcome. `share`: as in the settings."""

    def __init__(self, share: int) -> None:
        self._share = share
        self._in_flight: Counter[tuple[str, Urgency]] = Counter()

    def take(self, tenant: str, urgency: Urgency) -> str:
        """The lane of one step more."""
        self._in_flight[tenant, urgency] += 1
        return urgency if self._in_flight[tenant, urgency] <= self._share else subjects.OVER

    def give_back(self, tenant: str, urgency: Urgency) -> None:
        self._in_flight[tenant, urgency] -= 1
        if not self._in_flight[tenant, urgency]:
            del self._in_flight[tenant, urgency]


class Sending:
    """Dispatches the steps of one job's run, each into one lane. `resumes`: the job may have begun before.

    A step that may have been dispatched is looked for: in another lane it would be a second one.
    """

    def __init__(self, bus: Bus, shares: Shares, job: JobName, urgency: Urgency, *, resumes: bool) -> None:
        self._bus, self._shares, self._job = bus, shares, job
        self._urgency, self._resumes = urgency, resumes
        self._lanes: dict[str, str] = {}

    async def send(self, step: Step[Any, Any], message: StepMessage) -> None:
        """Store the message, unless it is there. Safe to call again with the same key."""
        of, key = (step.service, message.pattern, step.name), message.key
        if key not in self._lanes:
            self._lanes[key] = self._shares.take(self._job.tenant, self._urgency)
            if self._resumes:
                any_lane = subjects.step(*of, self._job, key, lane="*")
                if there := await self._bus.last_from_leader(any_lane):
                    self._lanes[key] = subjects.lane_of(there.subject)
        subject = subjects.step(*of, self._job, key, lane=self._lanes[key])
        await self._bus.once(subject, message.model_dump_json().encode(), headers=correlation.headers())

    def settled(self, key: str) -> None:
        """It has its outcome."""
        if self._lanes.pop(key, None):
            self._shares.give_back(self._job.tenant, self._urgency)

    async def aclose(self) -> None:
        """The run is over, here at least."""
        for key in [*self._lanes]:
            self.settled(key)
