"""The mix: the six patterns in equal parts, many at once, by a model that answers at once.

    python bench/mix.py [--jobs 120] [--at-once 50] [--rounds 3] [--workers 1] [--env PENSTOCK_SDK_STREAM=true]

Real processes with the simulator as the model, callers over HTTP. With `--env` a second system runs beside the first
with it set, and the two take turns: compare within one run, machines are noisy. CPU is in milliseconds a job.
"""

import argparse
import asyncio
import itertools
import os
import statistics
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2

from penstock.local.process import Process
from penstock.local.stack import Stack
from penstock.patterns import PATTERNS

_TICKS = os.sysconf("SC_CLK_TCK")


async def main(jobs: int, at_once: int, rounds: int, workers: int, env: dict[str, str]) -> None:
    async with AsyncExitStack() as opened:
        systems: dict[str, Stack] = {}
        for name, given in {"as it is": {}, "changed": env}.items():
            if given or name == "as it is":
                data = Path(opened.enter_context(tempfile.TemporaryDirectory()))
                stack = Stack(data=data, port=0, pace="off", workers=workers, env={"PENSTOCK_CACHE": "false", **given})
                systems[name] = await opened.enter_async_context(stack)
        for stack in systems.values():
            await _run(stack, 2 * len(PATTERNS), at_once)
        results: dict[str, list[tuple[float, Counter[str]]]] = {name: [] for name in systems}
        for _ in range(rounds):
            for name, stack in systems.items():
                before = _cpu(stack.processes)
                took = await _run(stack, jobs, at_once)
                spent = _cpu(stack.processes)
                spent.subtract(before)
                results[name].append((jobs / took, spent))
        for name, measured in results.items():
            rates = [rate for rate, _ in measured]
            print(f"{name}: {statistics.median(rates):.1f} jobs/s ({min(rates):.1f} to {max(rates):.1f})")
            kinds = sorted({kind for _, spent in measured for kind in spent})
            cost = {
                kind: statistics.median(spent[kind] for _, spent in measured) / _TICKS * 1000 / jobs for kind in kinds
            }
            print("  ms of CPU a job:", ", ".join(f"{kind} {cost[kind]:.1f}" for kind in kinds))
            print(f"  all but the simulator: {sum(cost.values()) - cost['simulator']:.1f}")


async def _run(stack: Stack, jobs: int, at_once: int) -> float:
    """Seconds that all took."""
    todo = itertools.islice(itertools.cycle(PATTERNS), jobs)
    began = time.perf_counter()
    async with httpx2.AsyncClient(timeout=600, limits=httpx2.Limits(max_connections=None)) as http:

        async def caller() -> None:
            for pattern in todo:
                body = pattern.example.model_dump_json(by_alias=True)
                headers = {"Content-Type": "application/json"}
                async with http.stream(
                    "POST", f"{stack.gateway_urls[0]}/{pattern.name}", content=body, headers=headers
                ) as answer:
                    answer.raise_for_status()
                    async for _ in answer.aiter_raw():
                        pass

        await asyncio.gather(*(caller() for _ in range(at_once)))
    return time.perf_counter() - began


def _cpu(processes: list[Process]) -> Counter[str]:
    """Ticks so far by kind of process, their children's too."""
    spent: Counter[str] = Counter()
    for process in processes:
        spent[process.name.partition("-")[0]] += sum(_ticks(pid) for pid in _tree(process.pid or 0))
    return spent


def _tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *itertools.chain.from_iterable(_tree(int(child)) for child in children)]


def _ticks(pid: int) -> int:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return int(user) + int(system)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=120)
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()
    env = dict(one.split("=", 1) for one in options.env)
    asyncio.run(main(options.jobs, options.at_once, options.rounds, options.workers, env))
