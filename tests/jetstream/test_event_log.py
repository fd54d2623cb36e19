"""Events that NATS did not store at once, as when a stream's leader changes."""

import nats.errors

from penstock.contracts.events import PLACES, Event, JobAccepted, JobCancelled, PartClose, PartValue
from penstock.contracts.usage import Usage
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.event_log import EventLog, stored_events
from penstock.jetstream.streams import declare
from penstock.jobs.follow import Follower, end_is_published
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
        stored = [event async for event in stored_events(bus, named("job"))]
        assert [event.type for event in stored] == ["job.accepted", "part.value", "part.close"]
    finally:
        await bus.connection.close()


async def test_events_that_are_ready_together_are_one_message_and_have_places_of_their_own(settings: Settings) -> None:
    """A reader that is cut off between two of them goes on between them."""
    bus = await connect(settings, "test")
    try:
        await declare(bus.jetstream, settings)
        log = EventLog(bus, named("job"))
        told: list[Event] = [
            JobAccepted(id="accepted", job="job", pattern="any", deadline=9e9),
            PartValue(id="value", p="/steps/0", t='"two\\nlines"'),
            JobCancelled(id="end", usage=Usage()),
        ]
        for event in told:
            log.send(event)
        await log.flush()
        (message,) = [one async for one in bus.history(subjects.events(named("job")))]
        async with Follower(bus, named("job")) as follower:
            delivered = [one async for batch in follower for one in batch]
        assert [one.event for one in delivered] == told
        first = message.sequence * PLACES
        assert [(one.place, one.cursor) for one in delivered] == [(first + n, first + n) for n in range(3)]
        assert await end_is_published(bus, named("job"), first + 2)
        assert not await end_is_published(bus, named("job"), first + 1)
    finally:
        await bus.connection.close()
