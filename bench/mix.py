"""Two systems in turn, one with a setting changed: what a job of the mix costs by a model that answers at once.

    python bench/mix.py [--jobs 120] [--at-once 50] [--rounds 3] [--workers 1] [--env PENSTOCK_SDK_STREAM=true]

Without `--env` it is one. Medians of the rounds; CPU is in milliseconds a job. Compare within one run, machines are
noisy.
"""

import argparse
import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack

from bench import candidates
from bench.callers import Load, load, median
from penstock.patterns import PATTERNS


async def main(jobs: int, at_once: int, rounds: int, workers: int, env: Mapping[str, str]) -> None:
    async with AsyncExitStack() as opened:
        model = await opened.enter_async_context(candidates.model())
        systems = {"as it is": candidates.penstock(str(model.url), workers=workers)}
        if env:
            systems["changed"] = candidates.penstock(str(model.url), workers=workers, env=env)
        running = {name: await opened.enter_async_context(system) for name, system in systems.items()}
        for one in running.values():
            await load(one, at_once, count=2 * len(PATTERNS))
        results: dict[str, list[Load]] = {name: [] for name in running}
        for _ in range(rounds):
            for name, one in running.items():
                results[name].append(await load(one, at_once, count=jobs))
    for name, measured in results.items():
        found, rates = median(measured), [each.rate for each in measured]
        print(f"{name}: {found.rate:.1f} jobs/s ({min(rates):.1f} to {max(rates):.1f}), {found.failed} failed")
        print("  ms of CPU a job:", ", ".join(f"{kind} {ms:.1f}" for kind, ms in found.cpu.items()))
        print(f"  all but the simulator: {found.all_cpu:.1f}")


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
