"""What limits, the cache and a budget cost: jobs of keys that have them, and of one that has none, in turn.

    python -m bench.limits [--jobs 48] [--rounds 40]

Two gateways. A request is `POST /<pattern>` until its 202, one at a time; of a job of the six patterns in turn, the CPU
of all processes but the simulator, 20 at once until they have ended. Each job asks something new: no reply is in the
cache, and each is put there. What jobs at once cost grows with their limit: all their ids are written anew each time.

A machine's speed changes from second to second by more than what is looked for. So rounds are short and many, and each
has every kind once, in an order by chance. Kinds are compared within their round, by CPU as a multiple of what the
simulator took, whose work is the same for all of them: told is the median of the rounds' ratios, and the middle nine
tenths of 2,000 medians of as many rounds drawn from them at random (the bootstrap). "nothing again" is how far two that
are the same seem to differ.
"""

import argparse
import asyncio
import itertools
import operator
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from bench import candidates, processes
from bench.callers import quantile
from penstock.callers import keys
from penstock.callers.caller import Limits
from penstock.client import NatsClient
from penstock.local.stack import Stack
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


async def post(http: aiohttp.ClientSession, gateway: str, key: str, *, cached: bool, wait: bool) -> float:
    """Seconds until the answer."""
    number = next(_NUMBERS)
    name, example = EXAMPLES[number % len(EXAMPLES)]
    asked = next(field for field, value in example.items() if isinstance(value, str))
    body = {**example, asked: f"{example[asked]} {number}", "options": {"cache": cached}}
    headers = {"Authorization": f"Bearer {key}"} | ({} if wait else {"Prefer": "respond-async"})
    began = time.perf_counter()
    async with http.post(f"{gateway}/{name}", json=body, headers=headers) as answer:
        said = await answer.read()
        assert answer.status in (200, 202), said
    return time.perf_counter() - began


async def main(jobs: int, rounds: int) -> None:
    waits: dict[str, list[float]] = {name: [] for name in KINDS}
    costs: dict[str, list[float]] = {name: [] for name in KINDS}
    beside: dict[str, list[float]] = {name: [] for name in KINDS}
    with tempfile.TemporaryDirectory() as data:
        env = {**candidates.WITHOUT_KEYS, **candidates.ROOMY}
        stack = Stack(data=Path(data), port=0, gateways=2, pace="off", env=env)
        async with stack, NatsClient(Settings(nats_url=stack.nats_url)) as nats, aiohttp.ClientSession() as http:
            made = {
                name: keys.make(name, f"t{number}", created=datetime.now(UTC), limits=limits)
                for number, (name, (limits, _)) in enumerate(KINDS.items())
            }
            for one in made.values():
                await keys.Keys(nats.bus).add(one.key)
            await asyncio.sleep(1)  # until both gateways know them
            gateways = itertools.cycle(stack.gateway_urls)

            async def burst(name: str) -> None:
                left = iter(range(jobs))

                async def caller() -> None:
                    for _ in left:
                        await post(http, next(gateways), made[name].text, cached=KINDS[name][1], wait=True)

                await asyncio.gather(*(caller() for _ in range(20)))

            for name in KINDS:
                await burst(name)
            for _ in range(rounds):
                for name in random.sample(list(KINDS), len(KINDS)):
                    before = processes.cpu(stack.processes)
                    await burst(name)
                    spent = processes.cpu(stack.processes) - before
                    simulator = spent.pop("simulator")
                    costs[name].append(spent.total() / jobs)
                    beside[name].append(spent.total() / simulator)
            for _ in range(rounds * 10):
                for name in random.sample(list(KINDS), len(KINDS)):
                    given = post(http, next(gateways), made[name].text, cached=KINDS[name][1], wait=False)
                    waits[name].append(1000 * await given)
                    await asyncio.sleep(0.03)  # its job runs meanwhile
    for name in KINDS:
        took = f"p50 {quantile(waits[name], 0.5):.2f} ms ({_more(waits, name, operator.sub, '+.2f')})"
        cpu = f"{statistics.median(costs[name]):.1f} ms of CPU ({_more(beside, name, operator.truediv, '.3f')} x)"
        print(f"{name}: a request {took}; a job {cpu}")


def _more(found: Mapping[str, list[float]], name: str, compare: Callable[[float, float], float], form: str) -> str:
    """A kind beside nothing: the median over rounds, and between which two of its bootstrap nine tenths lie."""
    each = [compare(one, other) for one, other in zip(found[name], found["nothing"], strict=True)]
    drawn = [statistics.median(random.choices(each, k=len(each))) for _ in range(2000)]
    low, high = quantile(drawn, 0.05), quantile(drawn, 0.95)
    return f"{statistics.median(each):{form}}, {low:{form}} to {high:{form}}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    asyncio.run(main(options.jobs, options.rounds))
