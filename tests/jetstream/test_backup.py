"""`penstock backup` and `penstock restore`: jobs that have ended, and jobs that wait, are there again."""

import asyncio
import os
import shutil
import stat
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.js.api import StreamConfig

from penstock import jobs
from penstock.contracts.waiting import shift_key
from penstock.jetstream import subjects
from penstock.jetstream.backup import back_up, bring_back
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.snapshots import SnapshotFailed
from penstock.jetstream.streams import stream_configs
from penstock.patterns.loading import load
from penstock.settings import Settings
from tests.authors import reminding
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline, pipeline_of
from tests.support.servers import NatsServer
from tests.support.simulator import Steering
from tests.system.cli.system import penstock

NAME = f"{reminding.__name__}:PATTERN"
KINDS = ("aggregator", "classifier", "workers")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"patterns": (NAME,)})


@pytest.fixture
async def pipeline(settings: Settings, gemini: Steering) -> AsyncIterator[Pipeline]:
    """Ended by each test itself."""
    async with pipeline_of(settings, gemini, *KINDS) as pipeline:
        yield pipeline


async def run(nats: NatsServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(penstock, *arguments, cwd="/", PENSTOCK_NATS_URL=nats.url)


async def parked(bus: Bus, *ids: str) -> None:
    wanted = {subjects.journal(named(job), shift_key(0)) for job in ids}
    async with asyncio.timeout(PATIENCE):
        while wanted - {fact.subject for fact in await bus.last_from_any_replica([*wanted])}:
            await asyncio.sleep(0.05)


async def held(bus: Bus) -> dict[str, tuple[int, int]]:
    """By stream; not of TIMERS, whose time may come between two looks."""
    states = {str(info.config.name): info.state for info in await bus.jetstream.streams_info()}
    return {name: (state.messages, state.last_seq) for name, state in states.items() if name != subjects.TIMERS}


async def test_jobs_are_there_again_and_those_that_wait_go_on(
    settings: Settings, gemini: Steering, nats: NatsServer, tmp_path: Path
) -> None:
    """One that waits for a signal is answered after the restore; one that waits for time is woken by NATS itself."""
    folder = tmp_path / "backup"
    async with pipeline_of(settings, gemini, *KINDS) as before:
        ended = await before.submit("routing", {"query": "Our API answers 502"})
        result = await before.result(ended)
        events = await before.events(ended)
        asked = await before.submit("reminding", {"timeouts": [None]})
        timed = await before.submit("reminding", {"timeouts": [20.0]})
        await parked(before.bus, asked, timed)
    bus = await connect(settings, "test")
    there = await held(bus)
    saved = await run(nats, "backup", str(folder))
    assert (saved.returncode, "saved 15 streams" in saved.stdout) == (0, True), saved.stderr
    assert "services worked meanwhile" not in saved.stderr
    assert "JOURNAL: " in saved.stderr
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    refused = await run(nats, "restore", str(folder))
    assert (refused.returncode, "exists already" in refused.stderr) == (1, True), refused.stderr
    assert await held(bus) == there
    await bus.connection.close()

    await nats.stop()
    shutil.rmtree(tmp_path / "nats" / "jetstream")
    await nats.start()
    restored = await run(nats, "restore", str(folder))
    assert (restored.returncode, "restored 15 streams" in restored.stdout) == (0, True), restored.stderr
    bus = await connect(settings, "test")
    assert await held(bus) == there
    plan = await run(nats, "streams", "--plan")
    assert "LOSES DATA" not in plan.stdout
    await bus.connection.close()
    async with pipeline_of(settings, gemini, *KINDS) as after:
        assert await after.events(ended) == events
        assert await after.result(ended) == result
        await jobs.signal(after.bus, load([NAME]), named(asked), "answer", b'{"text": "yes"}')
        assert await after.result(asked) == {"answer": "yes", "reminders": 0}
        assert (await after.result(timed))["answer"] is None


async def test_a_backup_while_services_work_says_that_it_may_not_be_exact(
    pipeline: Pipeline, nats: NatsServer, tmp_path: Path
) -> None:
    stop = asyncio.Event()

    async def work() -> None:
        while not stop.is_set():
            await pipeline.run("routing", {"query": "Our API answers 502"})

    working = asyncio.create_task(work())
    saved = await run(nats, "backup", str(tmp_path / "backup"))
    stop.set()
    await working
    assert (saved.returncode, "for an exact backup stop them first" in saved.stderr) == (0, True), saved.stderr


@pytest.mark.long
async def test_what_is_no_whole_backup_is_refused_before_anything_is_made(
    bus: Bus, nats: NatsServer, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    assert (await run(nats, "backup", str(folder))).returncode == 0
    again = await run(nats, "backup", str(folder))
    assert (again.returncode, "is not empty" in again.stderr) == (1, True), again.stderr
    for stream in subjects.STREAMS:
        await bus.jetstream.delete_stream(stream)
    whole = (folder / "JOURNAL.snapshot").read_bytes()
    (folder / "JOURNAL.snapshot").write_bytes(whole[:-1] + b"x")
    refused = await run(nats, "restore", str(folder))
    assert (refused.returncode, "its SHA-256 differs" in refused.stderr) == (1, True), refused.stderr
    assert await bus.jetstream.streams_info() == []
    nothing = await run(nats, "restore", str(tmp_path / "nothing"))
    assert (nothing.returncode, "is no backup" in nothing.stderr) == (1, True), nothing.stderr
    manifest = (folder / "backup.json").read_bytes()
    for wrong, why in ((manifest[:-20], "is not whole"), (b"[]", "another format")):
        (folder / "backup.json").write_bytes(wrong)
        refused = await run(nats, "restore", str(folder))
        assert (refused.returncode, why in refused.stderr) == (1, True), refused.stderr
    (folder / "backup.json").write_bytes(manifest)
    missing = await run(nats, "backup", str(tmp_path / "other"))
    assert (missing.returncode, "`penstock streams` declares" in missing.stderr) == (1, True), missing.stderr
    (folder / "JOURNAL.snapshot").write_bytes(whole)
    assert (await run(nats, "restore", str(folder))).returncode == 0


async def test_a_large_stream_comes_in_pieces_and_what_has_no_room_leaves_nothing(
    bus: Bus, nats: NatsServer, settings: Settings, tmp_path: Path
) -> None:
    """More than is under way at once; the restore to a server with too little room is as if it had not been tried."""
    folder, large = tmp_path / "backup", [os.urandom(400_000) for _ in range(30)]
    for number, body in enumerate(large):
        await bus.append(subjects.events(named(f"job{number}")), body)
    saved = await run(nats, "backup", str(folder))
    assert (saved.returncode, (folder / "EVENTS.snapshot").stat().st_size > 12_000_000) == (0, True), saved.stderr
    smaller = NatsServer(tmp_path / "smaller")
    smaller.max_store = 2 * 1024**3
    async with smaller:
        refused = await run(smaller, "restore", str(folder))
        assert (refused.returncode, "NATS does not restore " in refused.stderr) == (1, True), refused.stderr
        other = await connect(Settings(nats_url=smaller.url), "test")
        assert await other.jetstream.streams_info() == []
        await other.connection.close()
    async with NatsServer(tmp_path / "other") as server:
        assert (await run(server, "restore", str(folder))).returncode == 0
        other = await connect(Settings(nats_url=server.url), "test")
        history = other.history("events.>")
        assert [stored.data async for stored in history] == large
        await other.connection.close()


async def test_a_stream_that_another_makes_during_a_restore_is_left_alone(
    bus: Bus, settings: Settings, tmp_path: Path
) -> None:
    """Two restores at once, or `penstock streams`: what is in it is not this restore's to remove."""
    folder = tmp_path / "backup"
    await back_up(bus.connection, folder, lambda *_: None)
    (jobs,) = (config for config in stream_configs(settings) if config.name == subjects.JOBS)
    async with NatsServer(tmp_path / "other") as server:
        other, meanwhile = await connect(Settings(nats_url=server.url), "test"), asyncio.Event()
        making = asyncio.create_task(made_meanwhile(other, jobs, meanwhile))
        with pytest.raises(SnapshotFailed, match=r"JOBS: .* already in use"):
            await bring_back(other.connection, folder, lambda *_: meanwhile.set(), replicas=1)
        await making
        assert await held(other) == {subjects.JOBS: (1, 1)}
        await other.connection.close()


async def made_meanwhile(bus: Bus, config: StreamConfig, when: asyncio.Event) -> None:
    await when.wait()
    await bus.jetstream.add_stream(config)
    await bus.append(subjects.job("routing", named("job")), b"{}")
