"""Jobs and steps that wait, by lane."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from nats.js.api import ConsumerInfo

from penstock.contracts.fleet import Lane, Queue, StepQueue
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.consumers import consumers, first_undelivered

#: Queues whose oldest message is read at once.
_AT_ONCE = 32
#: Where jobs are that no aggregator has looked at.
_NEW = "new"


async def jobs_queue(bus: Bus) -> Queue:
    """Of those whose turn it is not yet: nobody has begun them, or nobody goes on with them since they were parked."""
    new = [one for one in await consumers(bus, subjects.JOBS) if one.name == subjects.AGGREGATOR]
    lanes = {subjects.turns_consumer(lane): lane for lane in subjects.LANES}
    turns = [one for one in await consumers(bus, subjects.TURNS) if one.name in lanes]
    named = [*((_NEW, one) for one in new), *((lanes[one.name], one) for one in turns)]
    return Queue(**_together(await _lanes(bus, named), new + turns))


async def step_queues(bus: Bus) -> tuple[StepQueue, ...]:
    """Of each kind that there is a consumer for, by name."""
    declared = sorted(await consumers(bus, subjects.STEPS), key=lambda one: one.name.split("="))
    named = [(one.name.split("="), one) for one in declared if "=" in one.name]
    lanes = await _lanes(bus, [(name[-1], one) for name, one in named])
    kinds: dict[tuple[str, ...], list[tuple[Lane, ConsumerInfo]]] = defaultdict(list)
    for (name, info), lane in zip(named, lanes, strict=True):
        kinds[tuple(name[:-1])].append((lane, info))
    found = []
    for (service, pattern, step), several in kinds.items():
        together = _together([lane for lane, _ in several], [info for _, info in several])
        found.append(StepQueue(service=service, pattern=pattern, step=step, **together))
    return tuple(found)


async def _lanes(bus: Bus, named: Sequence[tuple[str, ConsumerInfo]]) -> list[Lane]:
    """One for each consumer: of the same lane there is one in each partition."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def lane(name: str, info: ConsumerInfo) -> Lane:
        async with free:
            oldest = await first_undelivered(bus, info)
        waits = bus.time.now() - datetime.fromisoformat(oldest.time).timestamp() if oldest else None
        depth, in_flight = info.num_pending or 0, info.num_ack_pending or 0
        waits = waits and max(0.0, round(waits, 3))
        return Lane(lane=name, depth=depth, in_flight=in_flight, oldest_seconds=waits)

    return list(await asyncio.gather(*(lane(*one) for one in named)))


def _together(lanes: Sequence[Lane], infos: Sequence[ConsumerInfo]) -> dict[str, Any]:
    by_name = {name: [one for one in lanes if one.lane == name] for name in (_NEW, *subjects.LANES)}
    return {
        **_sum(lanes),
        "served": any(info.num_waiting or info.num_ack_pending for info in infos),
        "lanes": tuple(Lane(lane=name, **_sum(some)) for name, some in by_name.items() if some),
    }


def _sum(lanes: Sequence[Lane]) -> dict[str, Any]:
    return {
        "depth": sum(one.depth for one in lanes),
        "in_flight": sum(one.in_flight for one in lanes),
        "oldest_seconds": max((one.oldest_seconds for one in lanes if one.oldest_seconds is not None), default=None),
    }
