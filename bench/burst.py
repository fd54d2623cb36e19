"""A burst: many jobs at once for one worker with few slots and a slow model.

    python bench/burst.py [--jobs 200] [--slots 8] [--seconds 2]

Real processes, and the simulator as the model. Shows that no step runs twice, that no more calls are under way than
there are slots, and what the processes take of memory and CPU while the queue is long.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

from penstock.contracts.events import JobCompleted
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jobs import new_job_id
from penstock.jobs.follow import Follower
from penstock.local.process import Process
from penstock.local.stack import Stack
from penstock.settings import Settings
from tests.patterns.reviews import copy_review
from tests.support.naming import named
from tests.support.simulator import Steering

#: Two calls a job, both by the worker: a draft, and an evaluation that is content with it.
PATTERN, CALLS = "sequential-processing", 2


async def measure(jobs: int, slots: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(data=Path(folder), port=0, pace="off", env={"PENSTOCK_SLOTS": str(slots)})
        async with stack:
            assert stack.simulator_url is not None
            bus = await connect(Settings(nats_url=stack.nats_url), "bench")
            try:
                async with Steering(stack.simulator_url) as gemini:
                    await gemini.rule(step="evaluate", reply={"json": copy_review(9), "pace": {"ttft": seconds}})
                    await gemini.rule(reply={"pace": {"ttft": seconds}})
                    await _burst(stack, bus, gemini, jobs, slots, seconds)
            finally:
                await bus.connection.close()


async def _burst(stack: Stack, bus: Bus, gemini: Steering, jobs: int, slots: int, seconds: float) -> None:
    before = {process.name: _memory(process)[0] for process in stack.processes}
    ids = [new_job_id() for _ in range(jobs)]
    began = time.perf_counter()
    bodies = [json.dumps({"input": f"A lantern for campers, number {number}"}).encode() for number in range(jobs)]
    await asyncio.gather(
        *(bus.once(subjects.job(PATTERN, named(job)), body) for job, body in zip(ids, bodies, strict=True))
    )
    submitted = time.perf_counter() - began
    ends = await asyncio.gather(*(_end(bus, job) for job in ids))
    took = time.perf_counter() - began

    calls = await gemini.calls()
    stats = await gemini.stats()
    repeated = [step for step, count in Counter((call.job, call.key) for call in calls).items() if count > 1]
    ideal = jobs * CALLS * seconds / slots
    print(f"{jobs} jobs, {slots} slots, {seconds:g} s a call")
    print(f"  submitted in {submitted:.2f} s, all done in {took:.1f} s (no less than {ideal:.1f} s is possible)")
    print(f"  completed {sum(ends)}, calls {stats.calls} of {jobs * CALLS}, repeated {len(repeated)}")
    print(f"  calls under way at most {stats.peak_running}")
    print("  process         RSS before  RSS at most  CPU")
    for process in stack.processes:
        _, most, cpu = _memory(process)
        print(f"  {process.name:<14} {before[process.name]:>8.0f} MB  {most:>8.0f} MB  {cpu:>6.1f} s")
    if not all(ends) or repeated or stats.calls != jobs * CALLS or stats.peak_running > slots:
        raise SystemExit("the burst did not go as it must")


async def _end(bus: Bus, job: str) -> bool:
    async with Follower(bus, named(job)) as follower:
        ends = [isinstance(one.event, JobCompleted) async for batch in follower for one in batch]
    return ends[-1]


def _memory(process: Process) -> tuple[float, float, float]:
    """Resident memory now and at most, in MB; CPU seconds."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
    user, system = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    ticks = os.sysconf("SC_CLK_TCK")
    now, most = (int(status[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, most, (int(user) + int(system)) / ticks


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2.0, help="what a model call takes")
    options = parser.parse_args()
    asyncio.run(measure(options.jobs, options.slots, options.seconds))
