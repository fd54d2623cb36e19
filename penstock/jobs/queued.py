"""Steps that wait for an executor: which, behind how many others, and whether anybody serves their queue.

Asked of NATS when somebody wants to know; a step on its way costs nothing more.
"""

from collections.abc import AsyncIterator

from nats.js.api import ConsumerInfo
from nats.js.errors import NotFoundError

from penstock.contracts.job import JobState, QueuedStep
from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus, Stored
from penstock.jobs.lookup import look_up


async def look_up_with_queue(bus: Bus, job: JobName) -> JobState | None:
    """As `look_up`, with the steps of a running job that nobody has begun."""
    state = await look_up(bus, job)
    if state is None or state.status != "running":
        return state
    queued: list[QueuedStep] = []
    async for stored in bus.history(subjects.STEPS, subjects.step("*", "*", "*", job, "*")):
        service, pattern, step, _, key = subjects.of_step(stored.subject)
        info = await consumer_of(bus, service, pattern, step)
        if info is None or stored.sequence > delivered(info):
            queued.append(QueuedStep(key=key, step=step, service=service, **state_of(info)))
    return state.model_copy(update={"queued": tuple(queued)})


async def consumer_of(bus: Bus, service: str, pattern: str, step: str) -> ConsumerInfo | None:
    """None where it is not declared: then no executor can be there."""
    name = subjects.step_consumer(service, pattern, step)
    try:
        return await bus.retrying(f"ask for {name}", lambda: bus.jetstream.consumer_info(subjects.STEPS, name))
    except NotFoundError:
        return None


def undelivered(bus: Bus, info: ConsumerInfo, *, after: int = 0) -> AsyncIterator[Stored]:
    """The messages of a consumer that were given to nobody, oldest first."""
    return bus.history(subjects.STEPS, info.config.filter_subject or "", after=max(after, delivered(info)))


def delivered(info: ConsumerInfo) -> int:
    """The last message of the stream that was given to anybody."""
    return info.delivered.stream_seq if info.delivered else 0


def state_of(info: ConsumerInfo | None) -> dict[str, int | bool]:
    """`served`: somebody asks for steps of this kind, or has some. Who has died with one has it for a while."""
    if info is None:
        return {"depth": 1, "served": False}
    return {"depth": info.num_pending or 0, "served": bool(info.num_waiting or info.num_ack_pending)}
