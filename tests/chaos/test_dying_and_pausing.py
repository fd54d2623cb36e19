"""Any process may die or stand still at any moment: the job ends, and nothing that was finished is paid again."""

import sys
from pathlib import Path

import pytest

from penstock.connection import connect
from penstock.local.process import Process, environment
from penstock.settings import Settings
from penstock.streams import declare
from tests.chaos.town import Town
from tests.servers import NatsServer

QUERY = {"query": "Our API answers 502 since the deploy"}


async def test_the_aggregator_is_killed_in_the_middle_of_a_job(town: Town) -> None:
    """While the last step streams. The next aggregator awaits it; the caller's stream notices nothing."""
    await town.gemini.rule(step="respond", reply={"hold": "respond"})
    job = await town.submit("routing", QUERY)
    async with town.listening(job) as stream:
        await town.gemini.wait(held="respond", min_chunks=1)
        for aggregator in town.of("aggregator"):
            town.kill(aggregator)
        await town.gemini.release("respond")
        result = await stream.result()
    assert result["classification"]["category"] == "technical"
    assert "part.reset" not in stream.types
    assert [call.step for call in await town.gemini.calls(job=job)] == ["classify", "respond"]


async def test_the_workers_are_killed_while_one_of_them_streams(town: Town) -> None:
    """The step is begun anew by the next worker: one `part.reset` in the same stream, nothing finished is repeated."""
    await town.gemini.rule(step="respond", times=1, reply={"hold": "respond"})
    job = await town.submit("routing", QUERY)
    async with town.listening(job) as stream:
        await town.gemini.wait(held="respond", min_chunks=1)
        for worker in town.of("workers"):
            town.kill(worker)
        await stream.result()
    assert stream.types.count("part.reset") == 1
    assert [call.step for call in await town.gemini.calls(job=job)] == ["classify", "respond", "respond"]
    assert (await town.outcomes(job))["respond-1"].attempt == 2


async def test_a_paused_workers_late_words_are_fenced(town: Town) -> None:
    """Another worker has begun a new attempt when it wakes up in the middle of its sentence."""
    sleeper, other = town.of("workers")
    town.pause(other)
    words = {"response": "the sleeper's " * 50, "nextSteps": [], "estimatedResolutionTime": "never"}
    await town.gemini.rule(step="respond", times=1, reply={"json": words, "hold": "sleeper"})
    await town.gemini.rule(step="respond", reply={"hold": "other"})
    job = await town.submit("routing", QUERY)
    async with town.listening(job) as stream:
        await town.gemini.wait(held="sleeper", timeout=20)
        town.pause(sleeper)
        town.resume(other)
        await town.gemini.wait(held="other", timeout=20)
        await town.gemini.release("sleeper")
        town.resume(sleeper)
        await town.gemini.release("other")
        result = await stream.result()
    assert "sleeper" not in str(result)
    assert (await town.outcomes(job))["respond-1"].attempt >= 2
    assert [call.step for call in await town.gemini.calls(job=job)] == ["classify", "respond", "respond"]


async def test_nats_is_killed_in_the_middle_of_a_job(town: Town) -> None:
    """It comes back on its data; what was finished is not done again."""
    await town.gemini.rule(step="respond", reply={"hold": "respond"})
    job = await town.submit("routing", QUERY)
    async with town.listening(job) as stream:
        await town.gemini.wait(held="respond")
        for nats in town.of("nats"):
            town.kill(nats)
        await town.gemini.release("respond")
        await stream.result()
    assert len(await town.gemini.calls(job=job, step="classify")) == 1


async def test_a_worker_ends_in_time_though_nats_is_away(
    tmp_path: Path, nats: NatsServer, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """SIGTERM: there is nobody to hand work back to, and nothing to wait for."""
    bus = await connect(settings, "test")
    await declare(bus.jetstream, settings)
    await bus.connection.close()
    worker = Process(
        "workers",
        [sys.executable, "-m", "services.workers"],
        env=environment(PENSTOCK_NATS_URL=nats.url, PENSTOCK_PORT="0", PENSTOCK_MODEL_BASE_URL="http://127.0.0.1:9"),
        log_file=tmp_path / "workers.log",
    )
    await worker.start()
    await nats.kill()
    await worker.stop(grace=10)
    assert "killed" not in caplog.text
