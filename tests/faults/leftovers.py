"""What is left of jobs that have ended: subscriptions, messages, memory, processes."""

import asyncio
import json
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from penstock.cancelling import stop
from penstock.jetstream.bus import Bus
from tests.faults.world import World
from tests.support.patience import PATIENCE

#: Subjects of the connections of one service, as often as there are subscriptions to each.
Subscriptions = Counter[str]
#: MB by which a process may grow, whatever the jobs, and for each of them (the simulator and NATS remember them).
_GROWTH, _GROWTH_PER_JOB = 64.0, 0.5
#: What differs from one connection or job to the next.
_NAME = re.compile(r"[A-Za-z0-9_-]{20,}")


async def subscriptions(bus: Bus, servers: int) -> dict[str, list[Subscriptions]]:
    """By service, those of each of its connections, as all NATS servers list them."""
    inbox = bus.connection.new_inbox()
    answers = await bus.connection.subscribe(inbox)
    found: dict[str, list[Subscriptions]] = defaultdict(list)
    question = json.dumps({"subscriptions": True, "limit": 10_000}).encode()
    await bus.connection.publish("$SYS.REQ.SERVER.PING.CONNZ", question, reply=inbox)
    for _ in range(servers):
        answer = await answers.next_msg(PATIENCE)
        for connection in json.loads(answer.data)["data"]["connections"]:
            if (name := connection.get("name", "")).startswith("penstock-"):
                found[name].append(Counter(_NAME.sub("*", one) for one in connection.get("subscriptions_list", ())))
    await answers.unsubscribe()
    return found


async def no_subscription_is_left(world: World, before: dict[str, list[Subscriptions]]) -> None:
    """Each service has the connections it had, and none of them more subscriptions than any of its kind had `before`.

    The last readers may just be closing theirs.
    """
    async with asyncio.timeout(PATIENCE):
        while left := _left(before, await subscriptions(world.bus, len(world.servers))):
            await asyncio.sleep(0.2)
            print(f"not yet closed: {left}")
    total = sum(sum(one.values()) for ones in before.values() for one in ones)
    print(f"subscriptions: the {total} that there were before the first job")


def _left(before: dict[str, list[Subscriptions]], after: dict[str, list[Subscriptions]]) -> list[str]:
    left = [f"{len(ones)} connections of {name}" for name, ones in after.items() if len(ones) != len(before[name])]
    for name, ones in after.items():
        most = Subscriptions()
        for one in before[name]:
            most |= one
        left += [f"{name}: {dict(more)}" for one in ones if (more := one - most)]
    return left


class Memory:
    """MB of each process by its name: at the start, now, and at most. A process that was killed begins anew."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._start = self._read()
        self._peak = dict(self._start)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        watching = asyncio.ensure_future(self._watch())
        try:
            yield
        finally:
            await stop(watching)

    def check(self, jobs: int) -> None:
        now = self._read()
        print(f"| {'MB':<24} | start | end | peak |\n|---|---|---|---|")
        for name, start in self._start.items():
            print(f"| {name:<24} | {start:.0f} | {now[name]:.0f} | {self._peak[name]:.0f} |")
        for name, start in self._start.items():
            assert now[name] - start <= _GROWTH + _GROWTH_PER_JOB * jobs, name

    async def _watch(self) -> None:
        while True:
            for name, now in self._read().items():
                self._peak[name] = max(now, self._peak.get(name, 0))
            await asyncio.sleep(0.5)

    def _read(self) -> dict[str, float]:
        found = {name: _status(pid, "VmRSS") for name, pid in self._world.pids.items()}
        return {name: int(kilobytes.split()[0]) / 1024 for name, kilobytes in found.items() if kilobytes}


def _status(pid: int, field: str) -> str:
    """A line of what Linux says of a process; empty if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(f"{field}:")), "")


def descendants(pids: set[int]) -> set[tuple[int, str]]:
    """`pids` and all their children's children, each with when it started: a pid may be given out again."""
    children: dict[int, set[int]] = defaultdict(set)
    started: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            children[int(fields[1])].add(int(folder.name))
            started[int(folder.name)] = fields[19]
    found, waiting = set[int](), set(pids)
    while waiting:
        found |= (waiting := waiting & started.keys())
        waiting = set[int]().union(*(children[pid] for pid in waiting)) - found
    return {(pid, started[pid]) for pid in found}
