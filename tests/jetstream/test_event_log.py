"""Events that NATS did not store at once, as when a stream's leader changes."""

import nats.errors

from penstock.contracts.events import EVENT, JobAccepted, PartClose, PartValue
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.event_log import EventLog
from penstock.jetstream.streams import declare
from penstock.settings import Settings
from tests.support.naming import named


class Forgetful(Bus):
    """Does not store the first try of a value."""

    lost = False

    async def publish(self, subject: str, payload: bytes, *, headers: dict[str, str] | None = None) -> int:
        if b"part.value" in payload and not self.lost:
            self.lost = True
            raise nats.errors.TimeoutError
        return await super().publish(subject, payload, headers=headers)


async def test_events_of_the_run_are_stored_in_order(settings: Settings) -> None:
    """They have no numbers by which readers could tell."""
    bus = await connect(settings, "test")
    try:
        await declare(bus.jetstream, settings)
        log = EventLog(Forgetful(bus.connection), named("job"))
        log.send(JobAccepted(id="accepted", job="job", pattern="any", deadline=9e9))
        log.send(PartValue(id="value", p="/steps/0", t="1"))
        log.send(PartClose(id="close", p="/steps"))
        await log.flush()
        stored = [
            EVENT.validate_json(one.data) async for one in bus.history(subjects.EVENTS, subjects.events(named("job")))
        ]
        assert [event.type for event in stored] == ["job.accepted", "part.value", "part.close"]
    finally:
        await bus.connection.close()
