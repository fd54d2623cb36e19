"""Many jobs read by two gateways, each reader cut off again and again: is any stream wrong, and how late is a delta?

    python bench/resume.py [--jobs 300] [--at-once 100] [--cuts 6] [--seed 1]

A whole stack of processes, with the simulator as the model. The delay is that from a piece's storage in NATS to its
arrival at the reader, of pieces that came while the reader was connected; all processes and the readers share this
machine. Exits 1 if a stream is wrong.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from penstock import jobs
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.local.stack import Stack
from penstock.settings import Settings
from penstock.simulator.wire import Pace, Reply
from tests.support.naming import named
from tests.support.simulator import Steering
from tests.system.load.reader import Reader, check


async def main(count: int, at_once: int, cuts: int, seed: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        env = {"PENSTOCK_SLOTS": str(at_once), "PENSTOCK_RUNS": str(count), "PENSTOCK_LOG_LEVEL": "WARNING"}
        stack = Stack(data=Path(folder), port=0, gateways=2, pace="off", env=env)
        async with stack:
            bus = await connect(Settings(nats_url=stack.nats_url), "bench")
            try:
                return await measure(stack, bus, count, cuts, seed)
            finally:
                await bus.connection.close()


async def measure(stack: Stack, bus: Bus, count: int, cuts: int, seed: int) -> int:
    words = "Look at the pool of connections first, then at what else has changed. " * 20
    async with Steering(str(stack.simulator_url)) as gemini:
        # a piece is some 22 characters or 6 tokens: four pieces a second
        reply = Reply(merge={"response": words}, pace=Pace(tokens_per_second=24))
        await gemini.rule(step="respond", reply=reply)
    ports = [int(url.rpartition(":")[2]) for url in stack.gateway_urls]
    pids = [process.pid for process in stack.processes if process.name.startswith("gateway") and process.pid]
    readers = [Reader(jobs.new_job_id(), ports, Random(seed * 1_000_000 + n), cuts, 10) for n in range(count)]
    before, began = cpu(pids), time.monotonic()
    for number, reader in enumerate(readers):
        body = json.dumps({"query": f"Error {number} since the deploy"}).encode()
        await bus.once(subjects.job("routing", named(reader.job)), body)
    await asyncio.gather(*(reader.read() for reader in readers))
    lasted = time.monotonic() - began
    used = [after - was for after, was in zip(cpu(pids), before, strict=True)]
    delays: list[float] = []
    wrong = 0
    for reader in readers:
        try:
            delays += await check(bus, reader)
        except AssertionError as error:
            wrong += 1
            print(str(error).splitlines()[0])
    events = sum(len(reader.received) for reader in readers)
    connections = sum(reader.connections for reader in readers)
    cut = statistics.quantiles(delays, n=1000)
    print(f"{count} jobs, 2 gateways, {connections} connections ({connections - 2 * count} resumes), {lasted:.1f} s")
    print(f"wrong streams: {wrong}")
    print(f"events: {events}, {events / lasted:.0f}/s")
    print(f"delay, {len(delays)} live events: p50 {cut[499] * 1000:.1f} ms, p99 {cut[989] * 1000:.1f} ms")
    print("CPU of the gateways: " + ", ".join(f"{seconds / lasted:.0%} of a core" for seconds in used))
    return 1 if wrong else 0


def cpu(pids: list[int]) -> list[float]:
    """Seconds of CPU that each process has used."""
    tick = os.sysconf("SC_CLK_TCK")
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return [(int(one[11]) + int(one[12])) / tick for one in fields]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--at-once", type=int, default=100, help="model calls that stream at the same time")
    parser.add_argument("--cuts", type=int, default=6, help="forced reconnects of each reader")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    sys.exit(asyncio.run(main(given.jobs, given.at_once, given.cuts, given.seed)))
