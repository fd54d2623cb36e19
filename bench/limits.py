"""What limits, the cache and a budget cost: jobs of keys that have them, and of one that has none, in turn.

    python -m bench.limits [--rounds 300] [--pace off|natural] [--jobs 1] [--only KIND ...]

Two gateways. A request is `POST /<pattern>` until the head of its answer, one job at a time; of a job of the six
patterns, the CPU of all processes but the simulator. Each job asks something new: no reply is in the cache, and each is
put there. What jobs at once cost grows with their limit: all their ids are written each time.

A machine's speed changes from second to second by more than what is looked for. So the kinds take turns, in an order by
chance, a few jobs of each pattern at once each, and are compared within such a round: told is the median of the rounds'
ratios, and the middle nine tenths of 2,000 medians of as many rounds drawn from them at random (the bootstrap). The
shorter the turns, the less it varies: 300 rounds of a third of a second tell 1 % where 60 of a second told 3. "nothing
again" is how far two that are the same seem to differ. At a pace a turn takes as long as its longest job: `--jobs 10`
keeps two cores busy. Requests are measured without a pace only.
"""

import argparse
import asyncio
import itertools
import operator
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import aiohttp

from bench import candidates, processes
from bench.callers import quantile
from penstock.callers import keys
from penstock.callers.caller import Limits
from penstock.client import NatsClient
from penstock.local.stack import Pace, Stack
from penstock.patterns import PATTERNS
from penstock.settings import Settings

LIMITED = Limits(rate="1000000/minute", jobs=100)
KINDS = {
    "nothing": (Limits(rate="none"), False),
    "nothing again": (Limits(rate="none"), False),
    "rate and jobs at once": (LIMITED, False),
    "these and the cache": (LIMITED, True),
    "these and a budget": (LIMITED.model_copy(update={"budgets": ("900000000tokens/day",)}), True),
}
_NUMBERS = itertools.count()
EXAMPLES = [(one.name, one.example.model_dump(mode="json", by_alias=True)) for one in PATTERNS]


async def post(http: aiohttp.ClientSession, gateway: str, key: str, pattern: int, *, cached: bool) -> float:
    """Seconds until the job is taken; its result is there when this returns."""
    name, example = EXAMPLES[pattern]
    asked = next(field for field, value in example.items() if isinstance(value, str))
    body = {**example, asked: f"{example[asked]} {next(_NUMBERS)}", "options": {"cache": cached}}
    headers = {"Authorization": f"Bearer {key}"}
    began = time.perf_counter()
    async with http.post(f"{gateway}/{name}", json=body, headers=headers) as answer:
        taken = time.perf_counter() - began
        said = await answer.read()
        assert answer.status == 200, said
    return taken


async def main(rounds: int, pace: Pace, many: int, kinds: Sequence[str]) -> None:
    waits: dict[str, list[float]] = {name: [] for name in kinds}
    costs: dict[str, list[float]] = {name: [] for name in kinds}
    with tempfile.TemporaryDirectory() as data:
        env = {**candidates.WITHOUT_KEYS, **candidates.ROOMY}
        stack = Stack(data=Path(data), port=0, gateways=2, pace=pace, env=env)
        async with stack, NatsClient(Settings(nats_url=stack.nats_url)) as nats, aiohttp.ClientSession() as http:
            made = {
                name: keys.make(name, f"t{number}", created=datetime.now(UTC), limits=limits)
                for number, (name, (limits, _)) in enumerate(KINDS.items())
                if name in kinds
            }
            for one in made.values():
                await keys.Keys(nats.bus).add(one.key)
            await asyncio.sleep(1)  # until both gateways know them
            ours = [one.pid or 0 for one in stack.processes if processes.kind(one) != "simulator"]
            gateways = itertools.cycle(stack.gateway_urls)

            async def job(name: str, pattern: int) -> float:
                return await post(http, next(gateways), made[name].text, pattern, cached=KINDS[name][1])

            for number in range(-3, rounds):
                for name in random.sample(kinds, len(kinds)):
                    before = processes.nanoseconds(ours)
                    await asyncio.gather(*(job(name, pattern) for pattern in [*range(len(EXAMPLES))] * many))
                    spent = (processes.nanoseconds(ours) - before) / many / len(EXAMPLES) / 1e6
                    costs[name] += [spent] if number >= 0 else []
            for _ in range(200 if pace == "off" else 0):
                for name in random.sample(kinds, len(kinds)):
                    waits[name].append(1000 * await job(name, random.randrange(len(EXAMPLES))))
    for name in kinds:
        print(f"{name}: a job {statistics.median(costs[name]):.1f} ms of CPU ", end="")
        print(f"({_more(costs, name, operator.truediv, '.3f')} x)", end="")
        if waits[name]:
            print(
                f"; a request p50 {quantile(waits[name], 0.5):.2f} ms ({_more(waits, name, operator.sub, '+.2f')})",
                end="",
            )
        print()


def _more(found: Mapping[str, list[float]], name: str, compare: Callable[[float, float], float], form: str) -> str:
    """A kind beside nothing: the median over rounds, and between which two of its bootstrap nine tenths lie."""
    each = [compare(one, other) for one, other in zip(found[name], found["nothing"], strict=True)]
    drawn = [statistics.median(random.choices(each, k=len(each))) for _ in range(2000)]
    low, high = quantile(drawn, 0.05), quantile(drawn, 0.95)
    return f"{statistics.median(each):{form}}, {low:{form}} to {high:{form}}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--pace", choices=get_args(Pace), default="off", help="of the simulator")
    parser.add_argument("--jobs", type=int, default=1, help="of each pattern at once")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND", help=", ".join(KINDS))
    options = parser.parse_args()
    kinds = [kind for kind in KINDS if kind in ("nothing", *options.only)]
    asyncio.run(main(options.rounds, options.pace, options.jobs, kinds))
