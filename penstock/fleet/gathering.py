"""The whole fleet, gathered from its processes and from NATS."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import nats.errors
from pydantic import ValidationError

from penstock.contracts.fleet import Fleet, Replica
from penstock.fleet.models import standings
from penstock.fleet.queues import jobs_queue, step_queues
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus

#: Seconds without a further answer after which nobody else is there, and for which answers are awaited at most.
_SILENCE, _PATIENCE = 0.3, 1.5
#: Processes that are shown.
_MOST = 1_000


async def gathered(bus: Bus) -> Fleet:
    """Raises BusUnavailable."""
    found, jobs, steps, dead = await asyncio.gather(_replicas(bus), jobs_queue(bus), step_queues(bus), _dead(bus))
    shown = sorted(found[:_MOST], key=lambda one: (one.service, one.started_at, one.id))
    return Fleet(
        at=datetime.fromtimestamp(bus.time.now(), UTC),
        replicas=tuple(shown),
        truncated=len(found) > _MOST,
        jobs=jobs,
        steps=steps,
        models=await standings(bus, found),
        dead_letters=dead,
    )


async def _replicas(bus: Bus) -> list[Replica]:
    """Who answers, one more than are shown at most."""
    clock, inbox = asyncio.get_running_loop(), bus.connection.new_inbox()
    answers = await bus.connection.subscribe(inbox)
    found: dict[str, Replica] = {}
    try:
        await bus.connection.publish(subjects.FLEET, b"", reply=inbox)
        deadline = clock.time() + _PATIENCE
        with suppress(nats.errors.TimeoutError):
            while len(found) <= _MOST and (left := deadline - clock.time()) > 0:
                answer = await answers.next_msg(min(left, _SILENCE))
                with suppress(ValidationError):  # NATS says that nobody is there; or one of another version answers
                    one = Replica.model_validate_json(answer.data)
                    found[one.id] = one
    finally:
        await bus.unsubscribe(answers)
    return list(found.values())


async def _dead(bus: Bus) -> int:
    info = await bus.retrying("count dead letters", lambda: bus.jetstream.stream_info(subjects.DEAD))
    return info.state.messages
