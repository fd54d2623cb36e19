"""Jobs of all patterns run while random processes are killed. All end, and none of them ends wrong.

The short form is part of the suite. `make chaos` is the long one:

    PENSTOCK_CHAOS_JOBS=300 PENSTOCK_CHAOS_KILLS=60 PENSTOCK_CHAOS_SEED=$RANDOM pytest tests/faults -k random -s
"""

import asyncio
import os
import random

from penstock.contracts.events import EVENT, Event
from penstock.jobs.follow import Follower
from tests.faults.fault_harness import PATTERNS, FaultHarness, checked

JOBS = int(os.environ.get("PENSTOCK_CHAOS_JOBS", "30"))
KILLS = int(os.environ.get("PENSTOCK_CHAOS_KILLS", "5"))
SEED = int(os.environ.get("PENSTOCK_CHAOS_SEED", "20261123"))
#: NATS is one process here, and so is the model; the gateways are callers like this test.
VICTIMS = ("aggregator", "classifier", "workers")


async def test_jobs_of_all_patterns_survive_random_kills(harness: FaultHarness) -> None:
    """The model takes its time (0.2 s to the first token), so that every kill hits something in work."""
    dice = random.Random(SEED)
    print(f"{JOBS} jobs, {KILLS} kills, seed {SEED}")
    await harness.gemini.rule(reply={"pace": {"ttft": 0.2, "tokensPerSecond": 400}})
    names = sorted(PATTERNS)
    chosen = [names[number % len(names)] for number in range(JOBS)]

    async def one(name: str) -> list[Event]:
        job = await harness.submit(name, PATTERNS[name].example.model_dump(mode="json", by_alias=True))
        async with Follower(harness.bus, job) as follower:
            return [EVENT.validate_json(delivered.data) async for delivered in follower if delivered is not None]

    async with asyncio.timeout(60 + 2 * JOBS), asyncio.TaskGroup() as group:
        running = [group.create_task(one(name)) for name in chosen]
        for kill in range(KILLS):
            # each kill waits for new work to have begun, and so hits a system that has recovered from the last
            await harness.gemini.wait(count=(kill + 1) * JOBS // 3)
            victim = dice.choice(harness.of(dice.choice(VICTIMS)))
            print(f"kill {victim.name}")
            harness.kill(victim)
    for name, task in zip(chosen, running, strict=True):
        checked(task.result(), name)
    await no_finished_step_was_repeated(harness)


async def no_finished_step_was_repeated(harness: FaultHarness) -> None:
    """Of each step at most one call was answered and kept: the others were cut off by a kill."""
    calls = await harness.gemini.calls(status="completed")
    per_step: dict[tuple[str | None, str | None], int] = {}
    for call in calls:
        per_step[call.job, call.key] = per_step.get((call.job, call.key), 0) + 1
    repeated = {step: count for step, count in per_step.items() if count > 1}
    for (job, key), count in repeated.items():
        # a worker that is killed between the last token and its outcome has not finished the step
        assert job is not None
        assert key is not None
        assert (await harness.outcomes(job))[key].attempt >= count, f"{key} of {job} was paid {count} times"
