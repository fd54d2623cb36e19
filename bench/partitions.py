"""One stream beside four: bare publishes, and jobs of one step that is done at once; on one server and on three.

    python -m bench.partitions [--publishes 100000] [--jobs 400] [--rounds 3] [--nodes 1,3]

What takes turns is in one run; machines are noisy, compare within it. CPU is that of all servers together; where they
and the publisher fill the machine, its rate says how large the machine is, and CPU a message how far one core goes.
"""

import argparse
import asyncio
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.processes import milliseconds
from penstock import Pattern, PatternRequest, Run, Step, StepContext, Wire, jobs
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.partitions import Partitions, logical_stream
from penstock.jetstream.streams import declare, stream_configs
from penstock.jobs.follow import Follower
from penstock.settings import Settings
from tests.support.naming import named
from tests.support.servers import NatsCluster, NatsServer

_SEVERAL = 4
#: Bytes of a fact, how many are written together, and of those how many are not acknowledged yet.
_BYTES, _CHUNK, _CHUNKS = 512, 250, 8
_INBOX, _ACK = "_INBOX.bench", b'"seq"'
#: Jobs at once.
_JOBS_AT_ONCE = 50


class Nothing(Wire):
    pass


class Asked(PatternRequest):
    pass


async def do_nothing(_: Any, __: StepContext) -> Nothing:
    return Nothing()


NOTHING = Step(name="nothing", input=Nothing, output=Nothing, do=do_nothing)


async def instant(run: Run, _: Asked) -> Nothing:
    return await run.step(NOTHING, Nothing(), into="")


PATTERN = Pattern(
    name="instant", summary="Nothing.", run=instant, request=Asked, result=Nothing, steps=(NOTHING,), example=Asked()
)
NAME = f"{__spec__.name if __spec__ else __name__}:PATTERN"


@dataclass
class System:
    """What runs jobs in so many partitions. `processes`: pids by kind."""

    bus: Bus
    processes: dict[str, list[int]]


async def main(publishes: int, count: int, rounds: int, nodes: Iterable[int]) -> None:
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for number in nodes:
        await published(number, publishes, rounds)
    for number in nodes:
        await run(number, count, rounds)


@asynccontextmanager
async def servers(nodes: int) -> AsyncIterator[tuple[str, list[int]]]:
    """So many, as one; their URL and pids."""
    with tempfile.TemporaryDirectory() as folder:
        one: NatsServer | NatsCluster = NatsServer(Path(folder)) if nodes == 1 else NatsCluster(Path(folder))
        async with one:
            every = [one] if isinstance(one, NatsServer) else list(one.servers.values())
            yield one.url, [server.pid or 0 for server in every]


async def published(nodes: int, count: int, rounds: int) -> None:
    """Facts into JOURNAL, and into the same in several partitions, as fast as the servers take them."""
    async with servers(nodes) as (url, pids):
        alike = [Settings(nats_url=url, stream_replicas=nodes, partitions=number) for number in (1, _SEVERAL)]
        bus = await connect(alike[0], "bench")
        for config in itertools.chain(*map(stream_configs, alike)):
            if logical_stream(str(config.name)) == subjects.JOURNAL:
                await bus.retrying("declare", partial(bus.jetstream.add_stream, config))
        await bus.connection.close()
        found: dict[int, list[tuple[float, float]]] = {one.partitions: [] for one in alike}
        for settings in alike * rounds:
            chunks = facts(Partitions(settings.partitions), count)
            before, began = milliseconds(pids), time.perf_counter()
            await publish(url.partition(",")[0], chunks)
            took = time.perf_counter() - began
            found[settings.partitions].append((count / took, (milliseconds(pids) - before) / count * 1000))
        for partitions, rates in found.items():
            rate, cpu = (statistics.median(column) for column in zip(*rates, strict=True))
            many = "one stream" if partitions == 1 else f"{partitions} streams"
            spread = f"{min(rate for rate, _ in rates):,.0f} to {max(rate for rate, _ in rates):,.0f}"
            print(
                f"{nodes} server(s), {many}: {rate:,.0f} publishes/s ({spread}), {cpu:.0f} us of the servers' CPU each"
            )


def facts(partitions: Partitions, count: int) -> list[bytes]:
    """So many of other jobs, as the protocol has them, _CHUNK of them together."""
    run = time.time_ns()
    names = (subjects.journal(named(f"{run}-{number}"), "draft-1") for number in range(count))
    written = [f"PUB {partitions.one(name)} {_INBOX} {_BYTES}\r\n".encode() + b"x" * _BYTES + b"\r\n" for name in names]
    return [b"".join(written[begin : begin + _CHUNK]) for begin in range(0, count, _CHUNK)]


async def publish(url: str, chunks: Sequence[bytes]) -> None:
    """Send them, at most _CHUNKS unacknowledged, and return once all are stored. Past nats-py, which is slower."""
    host, _, port = url.removeprefix("nats://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    await reader.readline()
    writer.write(b'CONNECT {"verbose": false, "pedantic": false}\r\nSUB %s 1\r\n' % _INBOX.encode())
    stored, rest = 0, b""

    async def until(wanted: int) -> None:
        nonlocal stored, rest
        while stored < wanted:
            seen = rest + await reader.read(1 << 20)
            assert b'"error"' not in seen, seen
            if b"PING" in seen:
                writer.write(b"PONG\r\n")
            stored += seen.count(_ACK)
            rest = seen[-len(_ACK) + 1 :]

    for number, chunk in enumerate(chunks):
        await until((number - _CHUNKS) * _CHUNK)
        writer.write(chunk)
        await writer.drain()
    await until(len(chunks) * _CHUNK)
    writer.close()


async def run(nodes: int, count: int, rounds: int) -> None:
    """Jobs through one aggregator and two workers, in one partition and in several, in turn."""
    async with AsyncExitStack() as stack:
        systems = [await stack.enter_async_context(system(nodes, partitions)) for partitions in (1, _SEVERAL)]
        for one in systems:
            await finished(one, _JOBS_AT_ONCE)
        for one in systems:
            print(f"{nodes} server(s), {one.bus.partitions.count} partition(s), idle: {await idle(one, 4.0)}")
        found: list[list[tuple[float, dict[str, float]]]] = [[] for _ in systems]
        for _, (place, one) in itertools.product(range(rounds), enumerate(systems)):
            before, began = spent(one), time.perf_counter()
            await finished(one, count)
            took = time.perf_counter() - began
            cpu = {kind: (ms - before[kind]) / count for kind, ms in spent(one).items()}
            found[place].append((count / took, cpu))
        for one, results in zip(systems, found, strict=True):
            rates = [rate for rate, _ in results]
            cpu = {kind: statistics.median(each[kind] for _, each in results) for kind in one.processes}
            print(
                f"{nodes} server(s), {one.bus.partitions.count} partition(s): {statistics.median(rates):.0f} jobs/s"
                f" ({min(rates):.0f} to {max(rates):.0f}); ms of CPU a job:"
                f" {', '.join(f'{kind} {ms:.2f}' for kind, ms in cpu.items())}"
            )


@asynccontextmanager
async def system(nodes: int, partitions: int) -> AsyncIterator[System]:
    async with AsyncExitStack() as stack:
        url, pids = await stack.enter_async_context(servers(nodes))
        settings = Settings(nats_url=url, stream_replicas=nodes, partitions=partitions, patterns=(NAME,))
        bus = await connect(settings, "bench")
        stack.push_async_callback(bus.connection.close)
        began = time.perf_counter()
        while True:
            try:
                await declare(bus.jetstream, settings)
                break
            except Exception:  # a cluster has no leader at first
                await asyncio.sleep(0.2)
        print(f"{nodes} server(s), {partitions} partition(s): declared in {time.perf_counter() - began:.1f} s")
        env = os.environ | {
            "PENSTOCK_NATS_URL": url,
            "PENSTOCK_PARTITIONS": str(partitions),
            "PENSTOCK_PATTERNS": NAME,
            "PENSTOCK_MODEL_BASE_URL": "http://127.0.0.1:9",  # nobody asks a model
            "PENSTOCK_PORT": "0",
        }
        processes = {"nats": pids}
        for kind in ("aggregator", "workers", "workers"):
            serve = (sys.executable, "-m", "penstock", "serve", kind)
            quiet: Any = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.DEVNULL}
            process = await asyncio.create_subprocess_exec(*serve, env=env, **quiet)
            stack.push_async_callback(process.wait)
            stack.callback(process.terminate)
            assert process.stdout is not None
            await process.stdout.readline()
            processes.setdefault(kind, []).append(process.pid)
        yield System(bus, processes)


async def finished(one: System, count: int) -> None:
    """Return once so many jobs are submitted and ended."""
    free = asyncio.Semaphore(_JOBS_AT_ONCE)

    async def job() -> None:
        async with free:
            name = named(jobs.new_job_id())
            async with Follower(one.bus, name) as follower:
                await one.bus.once(subjects.job(PATTERN.name, name), b"{}")
                async for _ in follower:
                    pass

    await asyncio.gather(*(job() for _ in range(count)))


async def idle(one: System, seconds: float) -> str:
    before = spent(one)
    await asyncio.sleep(seconds)
    return (
        ", ".join(f"{kind} {(ms - before[kind]) / seconds / 10:.1f} %" for kind, ms in spent(one).items())
        + " of a core"
    )


def spent(one: System) -> dict[str, float]:
    """Milliseconds of CPU so far, by kind of process."""
    return {kind: milliseconds(pids) for kind, pids in one.processes.items()}


def _nodes(text: str) -> Sequence[int]:
    return [int(one) for one in text.split(",")]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--publishes", type=int, default=100_000, help="of each round (default 100,000)")
    parser.add_argument("--jobs", type=int, default=400, help="of each round (default 400)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--nodes", type=_nodes, default=[1, 3], help="servers: 1, 3 or 1,3")
    options = parser.parse_args()
    asyncio.run(main(options.publishes, options.jobs, options.rounds, options.nodes))
