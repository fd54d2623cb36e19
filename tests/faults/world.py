"""A whole system on NATS servers of its own, and what can befall it."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nats.errors

from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.local.process import Process
from penstock.local.stack import Stack
from penstock.settings import Settings
from tests.client.relay import Relay
from tests.faults.conftest import ENV
from tests.support.servers import NatsCluster, NatsServer
from tests.support.simulator import Steering

#: Seconds without a heartbeat after which work is given to another replica.
ACK_WAIT = float(ENV["PENSTOCK_ACK_WAIT"])
SERVICES = ("gateway", "aggregator", "classifier", "workers")


class World:
    """`gemini` steers the simulator; `bus` is a connection of the test's own, which only faults of NATS touch."""

    def __init__(
        self, stack: Stack, bus: Bus, gemini: Steering, servers: list[NatsServer], relay: Relay | None
    ) -> None:
        self.stack, self.bus, self.gemini = stack, bus, gemini
        self._servers, self._relay = servers, relay

    @property
    def faults(self) -> dict[str, Callable[[random.Random], Awaitable[object]]]:
        """By name; each returns once what it did is over, and the rest is up to the system."""
        common: dict[str, Callable[[random.Random], Awaitable[object]]] = {
            "a process is killed": self._kill,
            "a process is killed, again": self._kill,
            "a process stands still": self._pause,
            "clients reset their connections": self._reset_clients,
            "the model fails": self._model_fails,
            "a NATS server is killed": self._kill_nats,
        }
        if self._relay is None:
            return {**common, "the leaders step down": self._step_down, "a NATS server stands still": self._pause_nats}
        return {**common, "the network is cut": self._cut, "the network is silent": self._silence}

    async def _kill(self, dice: random.Random) -> str:
        victim = self._any_process(dice)
        victim.kill()
        return victim.name

    async def _pause(self, dice: random.Random) -> str:
        """For longer than its work waits for it."""
        victim = self._any_process(dice)
        pid = victim.pid
        if pid is not None:
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(1.5 * ACK_WAIT)
            if victim.pid == pid:
                os.kill(pid, signal.SIGCONT)
        return victim.name

    async def _kill_nats(self, dice: random.Random) -> None:
        server = dice.choice(self._servers)
        await server.kill()
        await asyncio.sleep(dice.random())
        await server.start()

    async def _pause_nats(self, dice: random.Random) -> None:
        server = dice.choice(self._servers)
        server.signal(signal.SIGSTOP)
        await asyncio.sleep(3)
        server.signal(signal.SIGCONT)

    async def _step_down(self, _: random.Random) -> None:
        for stream in subjects.STREAMS:
            with suppress(nats.errors.Error):  # it has none just now
                await self.bus.connection.request(f"$JS.API.STREAM.LEADER.STEPDOWN.{stream}", b"", 2)

    async def _cut(self, dice: random.Random) -> None:
        assert self._relay is not None
        target, self._relay.target = self._relay.target, None
        await self._relay.cut()
        await asyncio.sleep(dice.random())
        self._relay.target = target

    async def _silence(self, _: random.Random) -> None:
        assert self._relay is not None
        self._relay.passes.clear()
        await asyncio.sleep(3)
        self._relay.passes.set()

    async def _reset_clients(self, dice: random.Random) -> None:
        """Fifty readers that leave while their streams open."""
        url = urlsplit(self.stack.gateway_urls[0])
        job = f"/jobs/{self.last_job}/events"

        async def one() -> None:
            _, writer = await asyncio.open_connection(url.hostname, url.port)
            writer.write(f"GET {job} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n".encode())
            await writer.drain()
            await asyncio.sleep(dice.random() / 50)
            writer.transport.abort()

        await asyncio.gather(*(one() for _ in range(50)), return_exceptions=True)

    async def _model_fails(self, dice: random.Random) -> str:
        fault: dict[str, Any] = dice.choice(
            [{"status": 503}, {"status": 429, "retryDelay": 0.05}, {"breakAfterChunks": 1}, {"status": 500}]
        )
        await self.gemini.rule(times=5, fault=fault)
        return str(fault)

    def _any_process(self, dice: random.Random) -> Process:
        kind = dice.choice(SERVICES)
        return dice.choice([one for one in self.stack.processes if one.name.partition("-")[0] == kind])

    #: The job that was submitted last.
    last_job = "none"

    async def is_idle(self) -> bool:
        """Whether no queue holds anything any more."""
        manager = self.bus.jetstream
        for stream in (subjects.STEPS, subjects.HOOKS):
            queue = await self.bus.retrying("look at a queue", partial(manager.stream_info, stream))
            if queue.state.messages:
                return False
        aggregators = partial(manager.consumer_info, subjects.JOBS, subjects.AGGREGATOR)
        jobs = await self.bus.retrying("look at the jobs", aggregators)
        return not (jobs.num_pending or jobs.num_ack_pending)


@asynccontextmanager
async def a_world(folder: Path, *, servers: int) -> AsyncIterator[World]:
    """Two replicas of each service, on one NATS server behind a relay or on a cluster of three."""
    async with AsyncExitStack() as exits:
        relay: Relay | None = None
        if servers == 1:
            server = await exits.enter_async_context(NatsServer(folder / "nats"))
            port = urlsplit(server.url).port
            assert port is not None
            relay = await exits.enter_async_context(Relay(port))
            own_url, url, all_servers = server.url, relay.url.replace("http", "nats"), [server]
        else:
            cluster = await exits.enter_async_context(NatsCluster(folder / "nats"))
            own_url, url, all_servers = cluster.url, cluster.url, list(cluster.servers.values())
        env = {**ENV, "PENSTOCK_NATS_PING_INTERVAL": "0.5", "PENSTOCK_STREAM_REPLICAS": str(servers)}
        stack = Stack(
            data=folder, nats_url=url, port=0, pace="off", gateways=2, aggregators=2, classifiers=2, workers=2, env=env
        )
        await exits.enter_async_context(stack)
        bus = await connect(Settings(nats_url=own_url, nats_ping_interval=0.5), "test")
        exits.push_async_callback(bus.connection.close)
        assert stack.simulator_url is not None
        gemini = await exits.enter_async_context(Steering(stack.simulator_url))
        yield World(stack, bus, gemini, all_servers, relay)
