"""Steps that wait for an executor: which, behind how many others, and whether anybody serves their queue.

Asked of NATS when somebody wants to know; a step on its way costs nothing more.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from functools import partial

from nats.js.api import ConsumerInfo
from nats.js.errors import NotFoundError

from penstock.contracts.job import JobState, QueuedStep
from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.consumers import delivered
from penstock.jetstream.stored import Stored
from penstock.jobs.lookup import look_up


async def look_up_with_queue(bus: Bus, job: JobName) -> JobState | None:
    """As `look_up`, with the steps of a running job that nobody has begun."""
    state = await look_up(bus, job)
    if state is None or state.status != "running":
        return state
    queued: list[QueuedStep] = []
    async for stored in bus.history(subjects.step("*", "*", "*", job, "*", lane="*")):
        service, pattern, step, _, key = subjects.of_step(stored.subject)
        lanes = await lanes_of(bus, service, pattern, step)
        info = lanes.get(subjects.lane_of(stored.subject))
        if info is None or stored.sequence > delivered(info):
            queued.append(QueuedStep(key=key, step=step, service=service, **state_of(lanes.values())))
    return state.model_copy(update={"queued": tuple(queued)})


async def lanes_of(bus: Bus, service: str, pattern: str, step: str) -> dict[str, ConsumerInfo]:
    """The consumers of a kind of step, by lane. Where none is declared, no executor can be there."""
    found: dict[str, ConsumerInfo] = {}
    for lane in subjects.LANES:
        name = subjects.step_consumer(service, pattern, step, lane)
        with suppress(NotFoundError):
            asking = partial(bus.jetstream.consumer_info, subjects.STEPS, name)
            found[lane] = await bus.retrying(f"ask for {name}", asking)
    return found


def undelivered(bus: Bus, info: ConsumerInfo, *, after: int = 0) -> AsyncIterator[Stored]:
    """The messages of a consumer that were given to nobody, oldest first."""
    return bus.history(info.config.filter_subject or "", after=max(after, delivered(info)))


def state_of(lanes: Collection[ConsumerInfo]) -> dict[str, int | bool]:
    """Of the lanes of one kind of step together.

    `served`: somebody asks for steps of this kind, or has some. Who has died with one has it for a while.
    """
    if not lanes:
        return {"depth": 1, "served": False}
    served = any(info.num_waiting or info.num_ack_pending for info in lanes)
    return {"depth": sum(info.num_pending or 0 for info in lanes), "served": served}
