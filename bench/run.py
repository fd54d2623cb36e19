"""All figures of docs/performance.md, in one run, whose candidates take turns.

    python -m bench.run [--quick] [--seconds 8] [--rounds 3] [--at-once 1 10 50 200 500] [--data data/bench.json]

Penstock is compared with the plain program (bench/direct.py), against one simulator. Machines are noisy: compare within
one run. `--quick` has the comparison alone, in about a minute. With few `--seconds` and `--at-once` a slow machine is
done sooner.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

from bench import candidates, fan
from bench.ages import ages
from bench.callers import Load, load, median
from bench.candidates import Candidate
from bench.open_streams import open_streams
from bench.own_time import own_time
from bench.results import Grown, Machine, Paced, Results, Scaled
from bench.starting import idle, starting
from penstock.simulator.__main__ import PACES
from penstock.simulator.wire import Pace, Reply
from tests.support.simulator import Steering

T = TypeVar("T")

#: Jobs at once, at which CPU is compared in rounds.
COMPARED = 50
#: As often faster than the simulator's natural pace, with as many jobs at once, or the most that there are.
PACES_MEASURED, PACED_AT_ONCE = (1, 4), 200
#: Before anything is measured: so that each tool process of each worker has begun.
WARM_UP = 48
#: Pieces a second together: of so many streams, and of the open streams of one gateway.
PIECES, PIECE_STREAMS = (100, 500, 1000), 50
OPEN_RATES, OPEN_STREAMS, OPEN_JOBS = (1000, 2000, 4000, 6000, 8000, 10_000, 12_500, 16_000, 20_000), 2000, 100
SLOTS, SCALED_JOBS = 8, 160
#: Tasks and bytes of each, and jobs.
GROWN = {(1, 1_000): 10, (10, 1_000): 5, (100, 1_000): 3, (1000, 1_000): 1, (1, 100_000): 5, (1, 4_000_000): 3}


async def measure(results: Results, at_once: Sequence[int], seconds: float, *, quick: bool) -> None:
    async with AsyncExitStack() as opened:
        model = await opened.enter_async_context(candidates.model())
        url = str(model.url)
        simulator = await opened.enter_async_context(Steering(url))
        ways = ["every", "last"] if quick else ["every", "last", "retyped"]
        taking_part = [await opened.enter_async_context(candidates.direct(url, way)) for way in ways]
        penstock = await opened.enter_async_context(candidates.penstock(url))
        taking_part.append(penstock)
        at_rest = idle(penstock)
        direct = taking_part[0]
        for one in taking_part:
            await load(one, 24, count=WARM_UP)
        rounds: dict[str, list[Load]] = {one.name: [] for one in taking_part}
        for _ in range(results.rounds):
            for one in taking_part:
                rounds[one.name].append(_said(await load(one, COMPARED, seconds=seconds)))
        results.compared = [median(each) for each in rounds.values()]
        for many in at_once:
            if many != COMPARED:
                results.unpaced += [_said(await load(one, many, seconds=seconds)) for one in taking_part]
        results.unpaced = sorted([*results.unpaced, *results.compared], key=lambda one: one.at_once)
        await simulator.clear()
        results.own = await own_time(penstock, url, 12 if quick else 48)
        _say(results.own)
        if quick:
            return
        for pace in PACES_MEASURED:
            await simulator.clear()
            await simulator.rule(reply=Reply(pace=_faster(pace)))
            for one in taking_part:
                found = _said(await load(one, min(PACED_AT_ONCE, max(at_once)), seconds=1.5 * seconds))
                results.paced.append(Paced(pace=pace, load=found))
        await simulator.clear()
        for (tasks, size), jobs in GROWN.items():
            for one in (direct, penstock):
                given = fan.job("A lantern for campers. " * (size // 23), tasks)
                found = _said(await load(one, 1, [given], count=jobs))
                results.grown.append(
                    Grown(
                        candidate=one.name,
                        tasks=tasks,
                        bytes=size,
                        failed=found.failed,
                        seconds=found.p50 if found.rate else 0,
                        cpu=found.all_cpu,
                    )
                )
        results.starting = await starting(penstock, at_rest, 3)
        _say(results.starting)
    async with _with_clock("every") as (url, one):
        results.ages += [_say(await ages(one, PIECE_STREAMS, rate, 8)) for rate in PIECES]
    async with _with_clock() as (url, one):
        results.ages += [_say(await ages(one, PIECE_STREAMS, rate, 8)) for rate in PIECES]
        streams = open_streams(one, url, jobs=OPEN_JOBS, streams=OPEN_STREAMS, rates=OPEN_RATES, seconds=5)
        results.streams = _say(await streams)
    for workers in (1, 4):
        async with _with_clock(workers=workers, slots=SLOTS) as (_, one):
            await load(one, SLOTS, [fan.job("pieces=1 every=1")], count=2 * SLOTS)
            found = _said(await load(one, SCALED_JOBS, [fan.job("pieces=10 every=100")], count=SCALED_JOBS))
            results.scaled.append(Scaled(workers=workers, slots=SLOTS, rate=found.rate))


@asynccontextmanager
async def _with_clock(
    way: str | None = None, *, workers: int = 2, slots: int = 512
) -> AsyncIterator[tuple[str, Candidate]]:
    """A clock model's URL, and a candidate that asks it: Penstock, or the plain program in a `way`."""
    async with candidates.model("bench.clock_model") as model:
        url = str(model.url)
        env = {"PENSTOCK_SLOTS": str(slots)}
        other = candidates.penstock(url, workers=workers, env=env) if way is None else candidates.direct(url, way)
        async with other as candidate:
            yield url, candidate


def _faster(times: int) -> Pace:
    natural = PACES["natural"]
    assert natural.tokens_per_second is not None
    return Pace(ttft=natural.ttft / times, tokens_per_second=natural.tokens_per_second * times)


def _said(found: Load) -> Load:
    """Told as it comes."""
    cpu = ", ".join(f"{kind} {ms:.1f}" for kind, ms in found.cpu.items())
    print(
        f"{found.candidate:<24} {found.at_once:>3} at once {found.rate:7.1f} jobs/s   p50 {found.p50:6.2f} s "
        f"p99 {found.p99:6.2f} s   first {found.first_p50:5.2f} s   {found.all_cpu:6.1f} ms of CPU a job ({cpu})"
        f"{f'   {found.failed} FAILED' if found.failed else ''}",
        flush=True,
    )
    return found


def _say(found: T) -> T:
    print(found, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the comparison alone")
    parser.add_argument("--data", type=Path, default=Path("data/bench.json"), help="where the figures go")
    parser.add_argument("--seconds", type=float, default=8, help="for how long jobs are begun, for each figure")
    parser.add_argument("--rounds", type=int, default=3, help="of the comparison of CPU")
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 10, 50, 200, 500], help="jobs at once")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds, options.at_once = 4, 1, [1, 10]
    results = Results(
        command=" ".join(["python -m bench.run", *sys.argv[1:]]), rounds=options.rounds, machine=Machine.this()
    )
    began = time.perf_counter()
    try:
        asyncio.run(measure(results, options.at_once, options.seconds, quick=options.quick))
    finally:
        results.seconds = time.perf_counter() - began
        options.data.parent.mkdir(exist_ok=True)
        options.data.write_text(results.model_dump_json(indent=2))


if __name__ == "__main__":
    main()
