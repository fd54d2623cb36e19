"""Readers are told of steps that nobody has begun for seconds: `step.queued`.

One look at the consumers of STEPS every few seconds, in each aggregator; the runs themselves know nothing of it.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence

from nats.js.api import ConsumerInfo
from nats.js.errors import APIError

from penstock.cancelling import stop
from penstock.contracts.events import StepQueued
from penstock.contracts.journal import END
from penstock.errors import PenstockError
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.consumers import consumers
from penstock.jetstream.stored import Stored
from penstock.jobs.lookup import unix
from penstock.jobs.queued import state_of, undelivered

log = logging.getLogger(__name__)

#: Seconds between two looks, and that a step may wait before it is told.
_LOOK, _PATIENCE = 2.0, 3.0
#: Steps of one kind that are told at one look: a backlog is no reason to write as much again.
_MOST = 50


class QueueTeller:
    """From `start` to `stop`. Every replica looks; NATS takes the same event once in two minutes, a reader once.

    `seen` is given all consumers of STEPS at each look.
    """

    def __init__(self, bus: Bus, seen: Callable[[Sequence[ConsumerInfo]], None]) -> None:
        self._bus, self._seen = bus, seen
        #: Of each consumer: the last message that was told, and whether anybody served it then.
        self._told: dict[str, tuple[int, bool]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._looking = asyncio.create_task(self._look_on())

    async def stop(self) -> None:
        if self._looking is not None:
            await stop(self._looking)

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            try:
                await self.look()
            except (PenstockError, APIError, TimeoutError) as error:
                log.debug("could not look at the queues: %r", error)
            except Exception:
                log.exception("could not look at the queues; trying on")

    async def look(self) -> None:
        """Tell what waits and was not told."""
        all_of_them = await consumers(self._bus, subjects.STEPS)
        self._seen(all_of_them)
        lanes: dict[str, list[ConsumerInfo]] = defaultdict(list)
        for info in all_of_them:
            lanes[info.name.rpartition("=")[0]].append(info)
        for kind in lanes.values():
            for info in kind:
                if info.num_pending:
                    await self._tell(info, state_of(kind))

    async def _tell(self, info: ConsumerInfo, state: dict[str, int | bool]) -> None:
        last, served = self._told.get(info.name, (0, None))
        waiting: list[Stored] = []
        async for message in undelivered(self._bus, info, after=last if served == state["served"] else 0):
            if len(waiting) == _MOST or unix(message.time) > self._bus.time.now() - _PATIENCE:
                break
            waiting.append(message)
        if not waiting:
            return
        ends = [subjects.journal(subjects.of_step(one.subject)[3], END) for one in waiting]
        ended = {one.subject for one in await self._bus.last_from_any_replica(list(set(ends)))}
        for message, end in zip(waiting, ends, strict=True):
            if end not in ended:
                service, _, step, job, key = subjects.of_step(message.subject)
                id = f"queued:{key}:{'served' if state['served'] else 'alone'}"
                event = StepQueued(id=id, key=key, step=step, service=service, **state)
                await self._bus.append(
                    subjects.events(job), event.model_dump_json().encode(), headers={"Nats-Msg-Id": f"{job}:{id}"}
                )
        self._told[info.name] = waiting[-1].sequence, bool(state["served"])
