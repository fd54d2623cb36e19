"""Any process may die or stand still at any moment: the job ends, and nothing that was finished is paid again."""

from pathlib import Path

import pytest

from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.local.process import Process
from penstock.local.stack import PENSTOCK
from penstock.settings import Settings
from tests.faults.fault_harness import FaultHarness
from tests.support.servers import NatsServer

QUERY = {"query": "Our API answers 502 since the deploy"}


async def test_the_aggregator_is_killed_in_the_middle_of_a_job(harness: FaultHarness) -> None:
    """While the last step streams. The next aggregator awaits it; the caller's stream notices nothing."""
    await harness.gemini.rule(step="respond", reply={"hold": "respond"})
    job = await harness.submit("routing", QUERY)
    async with harness.listening(job) as stream:
        await harness.gemini.wait(held="respond", min_chunks=1)
        for aggregator in harness.of("aggregator"):
            harness.kill(aggregator)
        await harness.gemini.release("respond")
        result = await stream.result()
    assert result["classification"]["category"] == "technical"
    assert "part.reset" not in stream.types
    assert [call.step for call in await harness.gemini.calls(job=job)] == ["classify", "respond"]


async def test_the_workers_are_killed_while_one_of_them_streams(harness: FaultHarness) -> None:
    """The step is begun anew by the next worker: one `part.reset` in the same stream, nothing finished is repeated."""
    await harness.gemini.rule(step="respond", times=1, reply={"hold": "respond"})
    job = await harness.submit("routing", QUERY)
    async with harness.listening(job) as stream:
        await harness.gemini.wait(held="respond", min_chunks=1)
        for worker in harness.of("workers"):
            harness.kill(worker)
        await stream.result()
    assert stream.types.count("part.reset") == 1
    assert [call.step for call in await harness.gemini.calls(job=job)] == ["classify", "respond", "respond"]
    assert (await harness.outcomes(job))["respond-1"].attempt == 2


async def test_a_paused_workers_late_words_are_fenced(harness: FaultHarness) -> None:
    """Another worker has begun a new attempt when it wakes up in the middle of its sentence."""
    sleeper, other = harness.of("workers")
    harness.pause(other)
    words = {"response": "the sleeper's " * 50, "nextSteps": [], "estimatedResolutionTime": "never"}
    await harness.gemini.rule(step="respond", times=1, reply={"json": words, "hold": "sleeper"})
    await harness.gemini.rule(step="respond", reply={"hold": "other"})
    job = await harness.submit("routing", QUERY)
    async with harness.listening(job) as stream:
        await harness.gemini.wait(held="sleeper")
        harness.pause(sleeper)
        harness.resume(other)
        await harness.gemini.wait(held="other")
        await harness.gemini.release("sleeper")
        harness.resume(sleeper)
        await harness.gemini.release("other")
        result = await stream.result()
    assert "sleeper" not in str(result)
    assert (await harness.outcomes(job))["respond-1"].attempt >= 2
    assert [call.step for call in await harness.gemini.calls(job=job)] == ["classify", "respond", "respond"]


async def test_nats_is_killed_in_the_middle_of_a_job(harness: FaultHarness) -> None:
    """It comes back on its data; what was finished is not done again."""
    await harness.gemini.rule(step="respond", reply={"hold": "respond"})
    job = await harness.submit("routing", QUERY)
    async with harness.listening(job) as stream:
        await harness.gemini.wait(held="respond")
        for nats in harness.of("nats"):
            harness.kill(nats)
        await harness.gemini.release("respond")
        await stream.result()
    assert len(await harness.gemini.calls(job=job, step="classify")) == 1


async def test_a_worker_ends_in_time_though_nats_is_away(
    tmp_path: Path, nats: NatsServer, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """SIGTERM: there is nobody to hand work back to, and nothing to wait for."""
    bus = await connect(settings, "test")
    await declare(bus.jetstream, settings)
    await bus.connection.close()
    worker = Process(
        "workers",
        [*PENSTOCK, "serve", "workers"],
        env={"PENSTOCK_NATS_URL": nats.url, "PENSTOCK_PORT": "0", "PENSTOCK_MODEL_BASE_URL": "http://127.0.0.1:9"},
        log_file=tmp_path / "workers.log",
    )
    await worker.start()
    await nats.kill()
    await worker.stop(grace=10)
    assert "killed" not in caplog.text
