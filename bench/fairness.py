"""How long another tenant's thousand jobs keep one job waiting: where runs are short, and where slots for steps are.

    python bench/fairness.py [--jobs 1000]

All services in one process, on a nats-server of their own; the simulated model takes half a second to answer. Machines
are noisy: compare the waits of one run, and how many of the thousand were begun between.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from penstock.contracts.events import StepStarted, texts_of
from penstock.contracts.wire import JobName
from penstock.hosting.ports import free_port
from penstock.jetstream import subjects
from penstock.jobs.follow import Follower
from penstock.local import nats_server
from penstock.settings import Settings
from penstock.testing.threads import in_thread
from tests.support.pipeline import Pipeline, pipeline_of
from tests.support.simulator import Steering, serving

PATTERN, BODY = "sequential-processing", json.dumps({"input": "a lantern"}).encode()
#: What is short: the runs of the aggregator, and the slots of the workers.
SETUPS = {"16 runs": (16, 64), "16 slots for steps": (2000, 16)}


async def main(count: int) -> None:
    for short, (runs, slots) in SETUPS.items():
        with tempfile.TemporaryDirectory() as folder, in_thread(serving()) as url:
            port = free_port()
            command = nats_server.command(Path(folder), port)
            server = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
            try:
                await until_listening(port)
                settings = Settings(nats_url=f"nats://127.0.0.1:{port}", model_base_url=url, cache=False)
                async with Steering(url) as gemini, pipeline_of(settings, gemini) as pipeline:
                    await gemini.rule(reply={"pace": {"ttft": 0.5}})
                    await pipeline.start("aggregator", runs=runs)
                    await pipeline.start("workers", slots=slots)
                    await measure(pipeline, short, subjects.TURNS if runs < count else subjects.STEPS, count)
            finally:
                server.terminate()
                await server.wait()


async def until_listening(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


async def measure(pipeline: Pipeline, short: str, queue: str, count: int) -> None:
    alone, _ = await waited(pipeline, JobName("small", "alone"))
    big = [JobName("big", f"job-{number}") for number in range(count)]
    for start in range(0, count, 100):
        await asyncio.gather(*(submit(pipeline, job) for job in big[start : start + 100]))
    while (await pipeline.bus.jetstream.stream_info(queue)).state.messages < count * 0.9:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    beside, begun = await waited(pipeline, JobName("small", "beside"))
    print(
        f"{short}: to its first step a job waits {alone:.2f} s alone, {beside:.2f} s beside {count} of another tenant;"
        f" {begun['job.accepted']} of those and {begun['step.started']} steps of those were begun meanwhile"
    )


async def submit(pipeline: Pipeline, job: JobName) -> None:
    await pipeline.bus.once(subjects.job(PATTERN, job), BODY)


async def waited(pipeline: Pipeline, job: JobName) -> tuple[float, Counter[str]]:
    """Seconds until the job's first step begins, and how many jobs and steps of others begin meanwhile."""
    before = (await pipeline.bus.jetstream.stream_info(subjects.EVENTS)).state.last_seq
    began = time.perf_counter()
    await submit(pipeline, job)
    async with Follower(pipeline.bus, job) as follower:
        async for batch in follower:
            if any(isinstance(one.event, StepStarted) for one in batch):
                break
    took, others = time.perf_counter() - began, Counter[str]()
    own, every = subjects.events(job), subjects.events(subjects.EVERY)
    async for stored in pipeline.bus.history(every, after=before):
        kinds = [json.loads(text).get("type") for text in texts_of(stored.data)]
        if stored.subject == own and "step.started" in kinds:
            break
        others.update(kinds if stored.subject != own else ())
    return took, others


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1000, help="of the other tenant (default 1000)")
    sys.exit(asyncio.run(main(parser.parse_args().jobs)))
