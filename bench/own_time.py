"""A step's own time: from its dispatch until its outcome is told, without the time its model took to answer."""

import time
from collections import defaultdict

from nats.aio.msg import Msg
from pydantic import BaseModel

from bench.callers import load, quantile
from bench.candidates import Candidate
from penstock.jetstream import subjects
from penstock.jetstream.connection import connect
from penstock.settings import Settings
from tests.support.simulator import Steering


class OwnTime(BaseModel):
    """Milliseconds; of steps that asked a model once."""

    steps: int
    p50: float
    p99: float


async def own_time(candidate: Candidate, simulator_url: str, jobs: int) -> OwnTime:
    """One job of the mix after the other, no other beside it.

    Dispatch and outcome are heard where NATS tells them; the simulator knows from when, having read its request, until
    when, about to send the last of its reply, it had a call. All by this machine's clock.
    """
    assert candidate.stack is not None
    dispatched: dict[tuple[str, str], float] = {}
    told: dict[tuple[str, str], float] = {}
    asked: defaultdict[tuple[str | None, str | None], list[float]] = defaultdict(list)

    async def on_step(message: Msg) -> None:
        _, _, _, name, key = subjects.of_step(message.subject)
        dispatched.setdefault((name.id, key), time.time())

    async def on_fact(message: Msg) -> None:
        _, _, job, key = message.subject.split(".", 3)
        told.setdefault((job, key), time.time())

    bus = await connect(Settings(nats_url=candidate.stack.nats_url), "bench")
    try:
        await bus.connection.subscribe("steps.>", cb=on_step)
        await bus.connection.subscribe("facts.>", cb=on_fact)
        await load(candidate, 1, count=jobs)
        async with Steering(simulator_url) as simulator:
            for call in await simulator.calls():
                asked[call.job, call.key].append((call.ended_at or call.started_at) - call.started_at)
    finally:
        await bus.connection.close()
    own = [
        1000 * (told[step] - dispatched[step] - asked[step][0])
        for step in dispatched.keys() & told.keys()
        if len(asked[step]) == 1
    ]
    return OwnTime(steps=len(own), p50=quantile(own, 0.5), p99=quantile(own, 0.99))
