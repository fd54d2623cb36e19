"""Jobs that only wait: what they cost while they are parked, and how soon they go on.

    python bench/parked.py [--jobs 10000]

One aggregator as a process of its own, on a nats-server of its own. Machines are noisy: orders of magnitude.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from penstock import Pattern, PatternRequest, Run, Wire, jobs
from penstock.hosting.ports import free_port
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.jobs.follow import Follower
from penstock.local import nats_server
from penstock.settings import Settings
from tests.support.naming import named


class WaitingRequest(PatternRequest):
    sleep: float | None = None


class Said(Wire):
    text: str


async def waiting(run: Run, request: WaitingRequest) -> Said:
    if request.sleep is not None:
        await run.sleep(request.sleep)
        return Said(text="slept")
    return await run.wait("go", Said)


PATTERN: Pattern[Any, Any] = Pattern(
    name="waiting",
    summary="Wait.",
    run=waiting,
    request=WaitingRequest,
    result=Said,
    steps=(),
    signals={"go": Said},
    example=WaitingRequest(),
)
NAME = "parked:PATTERN"
#: Requests of this process at once.
_AT_ONCE = 20


async def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        quiet: Any = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.DEVNULL}
        nats = await asyncio.create_subprocess_exec(*nats_server.command(Path(folder), port), **quiet)
        settings = Settings(nats_url=f"nats://127.0.0.1:{port}", patterns=(NAME,))
        bus = await connected(settings)
        await declare(bus.jetstream, settings)
        env = {
            "PENSTOCK_NATS_URL": settings.nats_url,
            "PENSTOCK_PATTERNS": NAME,
            "PENSTOCK_PORT": "0",
            "PYTHONPATH": str(Path(__file__).parent),
        }
        serve = (sys.executable, "-m", "penstock", "serve", "aggregator")
        aggregator = await asyncio.create_subprocess_exec(*serve, env=env, **quiet)
        try:
            assert aggregator.stdout is not None
            await aggregator.stdout.readline()
            await measure(bus, aggregator.pid, count)
        finally:
            await bus.connection.close()
            for process in (aggregator, nats):
                process.terminate()
                await process.wait()


async def connected(settings: Settings) -> Bus:
    while True:
        try:
            return await connect(settings, "bench")
        except OSError:
            await asyncio.sleep(0.05)


async def measure(bus: Bus, pid: int, count: int) -> None:
    print(f"aggregator before: {memory(pid):.0f} MB")
    ids = [jobs.new_job_id() for _ in range(count)]
    began = time.perf_counter()
    await each(ids, lambda job: jobs.submit(bus, PATTERN.name, named(job), b"{}"))
    await idle(bus, subjects.JOBS, subjects.AGGREGATOR)
    for lane in subjects.LANES:
        await idle(bus, subjects.TURNS, subjects.turns_consumer(lane))
    print(f"{count} jobs parked in {time.perf_counter() - began:.1f} s; aggregator {memory(pid):.0f} MB")

    delays = []
    for job in ids[:100]:
        async with Follower(bus, named(job)) as follower:
            began = time.perf_counter()
            await say(bus, job)
            async for _ in follower:
                pass
            delays.append(time.perf_counter() - began)
    print(f"one woken, signal to end: p50 {statistics.median(delays) * 1000:.0f} ms, max {max(delays) * 1000:.0f} ms")

    began = time.perf_counter()
    await each(ids[100:], lambda job: say(bus, job))
    given = time.perf_counter() - began
    await idle(bus, subjects.JOURNAL, subjects.SIGNALS_CONSUMER)
    took = time.perf_counter() - began
    print(f"the others at once: signals given in {given:.1f} s, all ended after {took:.1f} s; {memory(pid):.0f} MB")

    wait = 30.0
    sleeping = [jobs.new_job_id() for _ in range(count // 10)]
    began = time.perf_counter()
    await each(sleeping, lambda job: jobs.submit(bus, PATTERN.name, named(job), b'{"sleep": %d}' % wait))
    late = []
    for job in sleeping:
        async with Follower(bus, named(job)) as follower:
            async for _ in follower:
                pass
        state = await jobs.look_up(bus, named(job))
        assert state is not None and state.ended_at is not None and state.accepted_at is not None  # noqa: PT018
        late.append((state.ended_at - state.accepted_at).total_seconds() - wait)
    print(f"{len(sleeping)} sleeps of {wait:.0f} s: late by p50 {statistics.median(late):.2f} s, max {max(late):.2f} s")


async def say(bus: Bus, job: str) -> None:
    await jobs.signal(bus, {PATTERN.name: PATTERN}, named(job), "go", b'{"text": "now"}')


async def each(ids: list[str], action: Callable[[str], Awaitable[object]]) -> None:
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(job: str) -> None:
        async with free:
            await action(job)

    await asyncio.gather(*map(one, ids))


async def idle(bus: Bus, stream: str, consumer: str) -> None:
    """Return once nothing of a consumer waits or is worked on."""
    while True:
        info = await bus.jetstream.consumer_info(stream, consumer)
        if not (info.num_pending or info.num_ack_pending):
            return
        await asyncio.sleep(0.1)


def memory(pid: int) -> float:
    """Resident megabytes of a process."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--jobs", type=int, default=10_000)
    asyncio.run(main(options.parse_args().jobs))
