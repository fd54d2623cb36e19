"""The hot paths, measured: a step's round trip, the cache beside a model call, a piece of text on its way to a caller.

    python bench/hot_paths.py [--steps 2000] [--deltas 20000]

Everything runs in one process on a nats-server of its own, so the figures are the cost of our code and of NATS, without
a model. Machines are noisy: compare ratios within one run, not figures between runs.
"""

import argparse
import asyncio
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from penstock.contracts.events import Delta
from penstock.contracts.prompt import Prompt
from penstock.contracts.step import Step, StepMessage
from penstock.contracts.turns import Kept
from penstock.contracts.wire import Wire
from penstock.hosting.ports import free_port
from penstock.hosting.service import Service
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.event_log import EventLog
from penstock.jetstream.streams import declare
from penstock.jobs.follow import Follower
from penstock.llm.limits.turns import Turns
from penstock.llm.metrics import ModelMetrics
from penstock.local import nats_server
from penstock.pattern import StepContext
from penstock.runs.journal import Journal
from penstock.settings import Settings
from penstock.steps.executor import Executable
from penstock.steps.handler import StepHandler
from penstock.steps.metrics import StepMetrics
from penstock.steps.parts import PartSink
from penstock.steps.replies import Replies
from penstock.steps.spending import Spending
from tests.support.naming import named


class Nothing(Wire):
    pass


async def execute(request: Any, _: StepContext) -> Nothing:
    return Nothing()


KIND = "workers", "sequential-processing", "draft"  # the queue of a step that exists
NOTHING = Step(name=KIND[2], input=Nothing, output=Nothing, do=execute)


async def main(steps: int, deltas: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        server = await asyncio.create_subprocess_exec(
            *nats_server.command(Path(folder), port), stderr=asyncio.subprocess.DEVNULL
        )
        try:
            url = f"nats://127.0.0.1:{port}"
            await measure(Settings(nats_url=url, slots=400, model_base_url="http://127.0.0.1:9"), steps, deltas)
        finally:
            server.terminate()
            await server.wait()


async def measure(settings: Settings, steps: int, deltas: int) -> None:
    while True:
        try:
            bus = await connect(settings, "bench")
            break
        except OSError:
            await asyncio.sleep(0.05)
    await declare(bus.jetstream, settings)
    service = executing_nothing(settings)
    async with service.app.start_lifespan_context():
        for at_once in (1, 50, 200):
            await report(f"step round trip, {at_once:>3} at once", steps, partial(round_trips, bus, steps, at_once))
    for at_once in (1, 50):
        for what in ("not kept", "kept"):  # the second time the same
            await report(f"reply {what}, {at_once:>3} at once", steps, partial(asked, bus, settings, steps, at_once))
    for writers in (1, 10, 50):
        count = deltas // writers
        await report(f"delta to reader, {writers:>3} jobs", count * writers, partial(delivered, bus, writers, count))
    await bus.connection.close()


def executing_nothing(settings: Settings) -> Service:
    """A worker whose one step returns at once."""

    async def start(service: Service, bus: Bus) -> None:
        models = ModelMetrics(service.registry)
        handler = StepHandler(
            bus=bus,
            llm=None,
            executables={"/".join(KIND[1:]): Executable(NOTHING, execute, render=Prompt.user)},
            service="workers",
            settings=settings,
            spending=Spending(bus, StepMetrics(service.registry), models),
            turns=Turns(bus, {}, ack_wait=settings.ack_wait, metrics=models),
        )
        durable, subject = subjects.step_consumer(*KIND), subjects.step(*KIND, named("*"), "*")
        service.consume(subjects.STEPS, durable, subject, handler.handle)

    return Service("workers", settings, start, slots=settings.slots)


async def round_trips(bus: Bus, count: int, at_once: int) -> list[float]:
    """Seconds from dispatch until the outcome is heard, each."""
    took: list[float] = []
    limit = asyncio.Semaphore(at_once)
    run = time.time_ns()

    async def one(number: int) -> None:
        async with limit:
            job = f"b{run}-{number}"
            message = StepMessage(
                pattern=KIND[1], job=job, step=KIND[2], key="k", input={}, fingerprint="f", deadline=time.time() + 60
            )
            async with Journal.following(bus, named(job)) as journal:
                began = time.perf_counter()
                await bus.once(subjects.step(*KIND, named(job), "k"), message.model_dump_json().encode())
                await journal.wait_for("k")
                took.append(time.perf_counter() - began)

    await asyncio.gather(*(one(number) for number in range(count)))
    return took


async def asked(bus: Bus, settings: Settings, count: int, at_once: int) -> list[float]:
    """Seconds that the cache takes to find no reply and keep one of 2 kB in 20 pieces, or to find it, each."""
    kept = Kept(model="none", parts=("a hundred characters" * 5,) * 20)
    replies = Replies.of(bus, settings.model_copy(update={"cache": True}), named(f"{at_once}"), "k")
    assert replies is not None
    took: list[float] = []
    limit = asyncio.Semaphore(at_once)

    async def ask() -> tuple[None, Kept]:
        return None, kept

    async def one(key: str) -> None:
        async with limit:
            began = time.perf_counter()
            await replies.reply(key, lambda _: None, ask)
            took.append(time.perf_counter() - began)

    await asyncio.gather(*(one(f"{at_once}-{number}") for number in range(count)))
    return took


async def delivered(bus: Bus, writers: int, count: int) -> list[float]:
    """Seconds from a piece's arrival at the sink until a follower has it, each."""
    run = time.time_ns()

    async def one(number: int) -> list[float]:
        job = f"d{run}-{number}"
        log = EventLog(bus, named(job))
        sink = PartSink(log, {"k": "k", "a": 1, "i": "bench"}, into="/x", output=str, flush_interval=0.0)
        sent: dict[str, float] = {}

        async def write() -> None:
            sink.started("draft", "workers", None)
            for index in range(count):
                piece = f"{index:08d} of a text that grows "
                sent[piece] = time.perf_counter()
                sink.text(piece)
                await asyncio.sleep(0)
                if index % 256 == 0:
                    await log.flush()
            sink.finish("".join(sent))
            await log.flush()

        took: list[float] = []
        async with Follower(bus, named(job)) as follower:
            writing = asyncio.create_task(write())
            async for batch in follower:
                now = time.perf_counter()
                for event in (one.event for one in batch if isinstance(one.event, Delta)):
                    took += [now - sent[piece] for piece in pieces(event.t) if piece in sent]
                if len(took) == count:
                    break
            await writing
        return took

    return [seconds for result in await asyncio.gather(*(one(n) for n in range(writers))) for seconds in result]


def pieces(text: str) -> list[str]:
    text = text.strip('"')
    width = len(f"{0:08d} of a text that grows ")
    return [text[start : start + width] for start in range(0, len(text), width)]


async def report(what: str, count: int, action: Callable[[], Any]) -> None:
    cpu, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    took: list[float] = await action()
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime
    p50, p99 = (statistics.quantiles(took, n=100)[at] * 1000 for at in (49, 98))
    each = f"p50 {p50:7.2f} ms   p99 {p99:7.2f} ms   {used / count * 1e6:6.0f} µs CPU each"
    print(f"{what:<32} {count / wall:8.0f}/s   {each}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2000, help="round trips a figure (default 2000)")
    parser.add_argument("--deltas", type=int, default=20000, help="pieces of text a figure (default 20000)")
    given = parser.parse_args()
    sys.exit(asyncio.run(main(given.steps, given.deltas)))
