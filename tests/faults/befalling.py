"""What can befall a system: its processes, the network, NATS, the disk, the clocks and the model."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nats.errors

from penstock.jetstream import subjects
from penstock.local.process import Process
from tests.client.relay import Relay
from tests.faults.world import ACK_WAIT, World

SERVICES = ("gateway", "aggregator", "classifier", "workers")
#: How often a process is killed for each time that another thing happens.
_KILLS = 3
CLOCK_AHEAD = Path(__file__).parents[1] / "support" / "clock_ahead"

Fault = Callable[[random.Random], Awaitable[object]]


@dataclass(frozen=True)
class Kill:
    """A service's process that was killed, and when (Unix seconds)."""

    at: float
    victim: str

    @property
    def kind(self) -> str:
        return self.victim.partition("-")[0]


@dataclass(frozen=True)
class Befallen:
    """One fault: when it began, and when it was over (Unix seconds)."""

    name: str
    began: float
    over: float


class Faults:
    """`befall` does what comes next in a shuffled deck: each kind of fault is met before the deck is shuffled anew."""

    def __init__(self, world: World, dice: random.Random) -> None:
        self._world, self._dice = world, dice
        self._deck: list[tuple[str, Fault]] = []
        self.befallen: list[Befallen] = []
        self.kills: list[Kill] = []

    async def befall(self) -> Befallen:
        """Return once what it did is over. The rest is up to the system."""
        if not self._deck:
            self._deck = [*self._kinds().items(), *[("a process is killed", self._kill)] * (_KILLS - 1)]
            self._dice.shuffle(self._deck)
        name, fault = self._deck.pop()
        began = time.time()
        what = await fault(self._dice)
        self.befallen.append(Befallen(name, began, time.time()))
        print(f"{name} ({what or 'all'})")
        return self.befallen[-1]

    def _kinds(self) -> dict[str, Fault]:
        common: dict[str, Fault] = {
            "a process is killed": self._kill,
            "a process stands still": self._pause,
            "a process has a wrong clock": self._wrong_clock,
            "clients reset their connections": self._reset_clients,
            "the model fails": self._model_fails,
            "a NATS server is killed": self._kill_nats,
            "a stream is full": self._full,
        }
        if (relay := self._world.relay) is None:
            return {
                **common,
                "the leaders step down": self._step_down,
                "a stream's leader is killed": self._kill_leader,
                "a NATS server stands still": self._pause_nats,
            }

        async def in_network(fault: Callable[[Relay, random.Random], Awaitable[object]], dice: random.Random) -> object:
            return await fault(relay, dice)

        network = {
            "the network is cut": _cut,
            "the network is silent": _silence,
            "the network is half open": _half_open,
            "the network is slow": _slow,
        }
        return common | {name: (lambda dice, one=one: in_network(one, dice)) for name, one in network.items()}

    async def _kill(self, dice: random.Random) -> str:
        victim = self._any_process(dice)
        self._end(victim)
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

    async def _wrong_clock(self, dice: random.Random) -> str:
        """It is killed, works for some seconds with a clock that is an hour off, and is killed again."""
        victim = self._any_process(dice)
        ahead = dice.choice([3600, -3600])
        right = victim.env
        victim.env = {**right, "PYTHONPATH": str(CLOCK_AHEAD), "CLOCK_AHEAD": str(ahead)}
        before = _times_ready(victim)
        self._end(victim)
        while _times_ready(victim) == before:
            await asyncio.sleep(0.05)
        await asyncio.sleep(3)
        victim.env = right
        self._end(victim)
        return f"{victim.name} {ahead:+} s"

    async def _kill_nats(self, dice: random.Random) -> None:
        await self._restart(dice.choice(sorted(self._world.servers)), dice)

    async def _kill_leader(self, dice: random.Random) -> str:
        stream = dice.choice(subjects.STREAMS)
        leader: str | None = None
        while leader is None:  # one may just be elected
            with suppress(nats.errors.Error):
                info = await self._world.bus.jetstream.stream_info(stream)
                leader = info.cluster.leader if info.cluster else None
        await self._restart(leader, dice)
        return stream

    async def _restart(self, name: str, dice: random.Random) -> None:
        await self._world.servers[name].kill()
        await asyncio.sleep(dice.random())
        await self._world.servers[name].start()

    async def _pause_nats(self, dice: random.Random) -> None:
        server = self._world.servers[dice.choice(sorted(self._world.servers))]
        server.signal(signal.SIGSTOP)
        await asyncio.sleep(3)
        server.signal(signal.SIGCONT)

    async def _step_down(self, _: random.Random) -> None:
        for stream in subjects.STREAMS:
            with suppress(nats.errors.Error):  # it has none just now
                await self._world.bus.connection.request(f"$JS.API.STREAM.LEADER.STEPDOWN.{stream}", b"", 2)

    async def _full(self, dice: random.Random) -> str:
        """It takes nothing more for two seconds. (EVENTS would forget its oldest events instead.)"""
        stream = dice.choice([subjects.JOBS, subjects.STEPS, subjects.JOURNAL])
        bus, manager = self._world.bus, self._world.bus.jetstream
        config = (await bus.retrying("look at a stream", lambda: manager.stream_info(stream))).config
        await bus.retrying("fill a stream", lambda: manager.update_stream(config.evolve(max_bytes=1)))
        await asyncio.sleep(2)
        await bus.retrying("make room", lambda: manager.update_stream(config))
        return stream

    async def _reset_clients(self, dice: random.Random) -> None:
        """Fifty readers that leave while their streams open."""
        url = urlsplit(self._world.stack.gateway_urls[0])
        job = f"/jobs/{self._world.last_job}/events"

        async def one() -> None:
            _, writer = await asyncio.open_connection(url.hostname, url.port)
            writer.write(f"GET {job} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n".encode())
            await writer.drain()
            await asyncio.sleep(dice.random() / 50)
            writer.transport.abort()

        await asyncio.gather(*(one() for _ in range(50)), return_exceptions=True)

    async def _model_fails(self, dice: random.Random) -> str:
        fault: dict[str, Any] = dice.choice(
            [{"status": 503}, {"status": 429, "retryDelay": 0.05}, {"breakAfterChunks": 1}, {"status": 500}]
        )
        await self._world.gemini.rule(times=5, fault=fault)
        return str(fault)

    def _any_process(self, dice: random.Random) -> Process:
        kind = dice.choice(SERVICES)
        return dice.choice([one for one in self._world.stack.processes if one.name.partition("-")[0] == kind])

    def _end(self, victim: Process) -> None:
        self.kills.append(Kill(time.time(), victim.name))
        victim.kill()


def _times_ready(process: Process) -> int:
    return process.log_file.read_bytes().count(b" ready http")


async def _cut(relay: Relay, dice: random.Random) -> None:
    target, relay.target = relay.target, None
    await relay.cut()
    await asyncio.sleep(dice.random())
    relay.target = target


async def _silence(relay: Relay, _: random.Random) -> None:
    relay.pass_nothing()
    await asyncio.sleep(3)
    relay.pass_all()


async def _half_open(relay: Relay, dice: random.Random) -> str:
    """What the one side says arrives, and the other's answers do not."""
    lost, name = dice.choice([(relay.requests_pass, "nothing to NATS"), (relay.answers_pass, "nothing from NATS")])
    lost.clear()
    await asyncio.sleep(3)
    lost.set()
    return name


async def _slow(relay: Relay, dice: random.Random) -> str:
    relay.delay = dice.uniform(0.05, 0.3)
    await asyncio.sleep(4)
    delay, relay.delay = relay.delay, 0.0
    return f"{1000 * delay:.0f} ms each way"
