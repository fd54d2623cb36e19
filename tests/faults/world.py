"""A whole system on NATS servers of its own, to which things befall (tests.faults.befalling)."""

import asyncio
from bisect import bisect
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.local.stack import Stack
from penstock.settings import Settings
from tests.client.relay import Relay
from tests.faults.conftest import ENV
from tests.support.servers import NatsCluster, NatsServer
from tests.support.simulator import Steering

#: Seconds without a heartbeat after which work is given to another replica.
ACK_WAIT = float(ENV["PENSTOCK_ACK_WAIT"])


@dataclass
class Heard:
    """When a reader over NATS was given an event, and when a job's end: Unix seconds, ascending."""

    events: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)


def seconds_until_next(times: list[float], since: float) -> float | None:
    """From `since` to the first of `times` after it."""
    place = bisect(times, since)
    return times[place] - since if place < len(times) else None


@dataclass(eq=False)
class World:
    """`gemini` steers the simulator; `bus` is a connection of the test's own, which only faults of NATS touch.

    `servers`: by name. `relay`: between the services and a single server.
    """

    stack: Stack
    bus: Bus
    gemini: Steering
    servers: Mapping[str, NatsServer]
    relay: Relay | None
    heard: Heard = field(default_factory=Heard)
    #: The job that was submitted last.
    last_job: str = "none"

    @property
    def pids(self) -> dict[str, int]:
        """By name, those that run now: services, the simulator, NATS servers."""
        running = {process.name: process.pid for process in self.stack.processes} | {
            f"nats {name}": server.pid for name, server in self.servers.items()
        }
        return {name: pid for name, pid in running.items() if pid is not None}

    async def is_idle(self) -> bool:
        """Whether no queue holds anything any more, and no consumer has anything delivered or left to deliver."""
        manager = self.bus.jetstream
        for stream in (subjects.STEPS, subjects.HOOKS):
            queue = await self.bus.retrying("look at a queue", partial(manager.stream_info, stream))
            if queue.state.messages:
                return False
        for stream in (subjects.JOBS, subjects.STEPS, subjects.HOOKS):
            consumers = await self.bus.retrying("look at consumers", partial(manager.consumers_info, stream))
            if any(one.num_pending or one.num_ack_pending for one in consumers):
                return False
        return True


@asynccontextmanager
async def a_world(folder: Path, *, servers: int) -> AsyncIterator[World]:
    """Two replicas of each service, on one NATS server behind a relay or on a cluster of three."""
    async with AsyncExitStack() as exits:
        relay: Relay | None = None
        by_name: Mapping[str, NatsServer]
        if servers == 1:
            server = await exits.enter_async_context(NatsServer(folder / "nats"))
            port = urlsplit(server.url).port
            assert port is not None
            relay = await exits.enter_async_context(Relay(port))
            own_url, url, by_name = server.url, relay.url.replace("http", "nats"), {"server": server}
        else:
            cluster = await exits.enter_async_context(NatsCluster(folder / "nats"))
            own_url, url, by_name = cluster.url, cluster.url, cluster.servers
        env = {**ENV, "PENSTOCK_NATS_PING_INTERVAL": "0.5", "PENSTOCK_STREAM_REPLICAS": str(servers)}
        # the model takes its time, so that each fault hits something in work
        stack = Stack(data=folder, nats_url=url, port=0, pace="natural", env=env)
        stack.gateways = stack.aggregators = stack.classifiers = stack.workers = 2
        await exits.enter_async_context(stack)
        bus = await connect(Settings(nats_url=own_url, nats_ping_interval=0.5), "test")
        exits.push_async_callback(bus.connection.close)
        assert stack.simulator_url is not None
        gemini = await exits.enter_async_context(Steering(stack.simulator_url))
        yield World(stack, bus, gemini, by_name, relay)


async def until_idle(world: World) -> None:
    while not await world.is_idle():
        await asyncio.sleep(0.1)
