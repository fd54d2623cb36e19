"""`penstock streams`: what it would change is shown first, and what would lose data is refused."""

import asyncio
import re
from typing import Any

import pytest

from penstock.errors import Misconfigured
from penstock.installed import __version__
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.plan import DECLARED_BY, Planned
from penstock.jetstream.streams import declare, plan, stream_configs
from penstock.settings import Settings
from tests.support.naming import named
from tests.support.servers import NatsServer
from tests.system.cli.system import penstock


async def to_do(bus: Bus, settings: Settings) -> dict[str, Planned]:
    """What would be changed, by stream and consumer."""
    return {str(one): one for one in await plan(bus.jetstream, settings) if one.action != "keep"}


async def a_job(bus: Bus) -> None:
    await bus.once(subjects.job("routing", named("a" * 22)), b"{}" + b" " * 100_000)


async def test_what_has_been_declared_is_not_to_change(bus: Bus, settings: Settings) -> None:
    """No field that the server fills in by itself is taken for a difference; to declare again does nothing."""
    assert await to_do(bus, settings) == {}
    assert all(one.action == "keep" for one in await declare(bus.jetstream, settings))


async def test_each_field_that_would_change_is_named_and_nothing_is_changed(bus: Bus, settings: Settings) -> None:
    larger = settings.model_copy(update={"store_bytes": settings.store_bytes * 2, "ack_wait": 7})
    would = await to_do(bus, larger)
    jobs = would["stream JOBS"]
    assert [str(change) for change in jobs.changes] == ["max_bytes: 503,316,480 → 1,006,632,960"]
    assert [str(change) for change in would["consumer aggregator of JOBS"].changes] == ["ack_wait: 3 s → 7 s"]
    assert not any(one.losses for one in would.values())
    assert await to_do(bus, larger) == would
    await declare(bus.jetstream, larger)
    assert await to_do(bus, larger) == {}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("max_bytes", 50_000, "max_bytes: 503,316,480 → 50,000: it holds 100"),
        ("max_age", 3_600, "max_age: 7 d → 1 h: 1 messages are kept for less long"),
        ("subjects", ["jobs.a.*.*"], "nothing is stored any more of jobs.*.*.*"),
    ],
)
async def test_what_would_lose_data_is_refused_as_a_whole(
    bus: Bus, settings: Settings, monkeypatch: pytest.MonkeyPatch, field: str, value: Any, said: str
) -> None:
    """As the declaration of an older release may: of a stream that holds something. Nothing else is changed either."""
    await a_job(bus)
    configs = stream_configs(settings)
    older = [one.evolve(**{field: value}) if one.name == subjects.JOBS else one for one in configs]
    older = [one.evolve(max_bytes=999_424) if one.name == subjects.HOOKS else one for one in older]
    monkeypatch.setattr("penstock.jetstream.streams.stream_configs", lambda _: older)
    with pytest.raises(Misconfigured, match=rf"would lose data[^$]*{re.escape(said)}"):
        await declare(bus.jetstream, settings)
    there = {one.config.name: one.config for one in await bus.jetstream.streams_info()}
    hooks, jobs = there[subjects.HOOKS], there[subjects.JOBS]
    assert (hooks.max_bytes, jobs.max_bytes) == (settings.store_bytes * 2 // 64, settings.store_bytes * 15 // 128)
    await declare(bus.jetstream, settings, allow_data_loss=True)
    monkeypatch.undo()
    assert set(await to_do(bus, settings)) == {"stream JOBS", "stream HOOKS"}


async def test_an_older_release_refuses_what_a_newer_one_has_declared(
    bus: Bus, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The streams know which release declared them. Back is possible, where somebody says so."""
    info = await bus.jetstream.stream_info(subjects.JOBS)
    assert (info.config.metadata or {})[DECLARED_BY] == __version__
    monkeypatch.setattr("penstock.jetstream.plan.__version__", "0.0.9")
    monkeypatch.setattr("penstock.jetstream.streams.__version__", "0.0.9")
    with pytest.raises(Misconfigured, match=rf"JOBS was declared by Penstock {__version__}, and this is 0\.0\.9: "):
        await declare(bus.jetstream, settings)
    await declare(bus.jetstream, settings, allow_data_loss=True)
    monkeypatch.undo()
    would = await to_do(bus, settings)
    assert str(would["stream JOBS"].changes[0]) == f"metadata: {DECLARED_BY} 0.0.9 → {DECLARED_BY} {__version__}"
    await declare(bus.jetstream, settings)  # forwards again


async def test_a_field_that_this_release_does_not_know_would_be_reset(bus: Bus, settings: Settings) -> None:
    """An update leaves out what it does not know; the server takes that for what it was without it."""
    config = next(one for one in stream_configs(settings) if one.name == subjects.DEAD)
    await bus.jetstream.update_stream(config.evolve(description="of another", max_msgs=10))
    would = (await to_do(bus, settings))["stream DEAD"]
    assert [str(change) for change in would.changes] == ["description: of another → none", "max_msgs: 10 → none"]


async def test_the_command_shows_and_refuses(nats: NatsServer, tmp_path: Any) -> None:
    """Status 3 where something would change, 0 where nothing would, 1 where it is refused."""

    async def run(*arguments: str, **environment: str) -> tuple[int, str]:
        place = {"PENSTOCK_NATS_URL": nats.url, "PENSTOCK_DATA": str(tmp_path)}
        ended = await asyncio.to_thread(penstock, "streams", *arguments, cwd=tmp_path, **(place | environment))
        return ended.returncode, ended.stdout + ended.stderr

    status, text = await run("--plan")
    assert (status, "+ stream JOBS" in text, "0 to change, 0 unchanged" in text) == (3, True, True), text
    status, text = await run()
    assert (status, "declared JOBS" in text) == (0, True), text
    status, text = await run("--plan")
    assert (status, "0 to create, 0 to change" in text) == (0, True), text
    bus = await connect(Settings(nats_url=nats.url), "test")
    await a_job(bus)
    await bus.connection.close()
    status, text = await run("--plan", PENSTOCK_JOBS_MAX_AGE_DAYS="4")
    assert (status, "    max_age: 7 d → 4 d    LOSES DATA: 1 messages" in text) == (3, True), text
    status, text = await run(PENSTOCK_JOBS_MAX_AGE_DAYS="4")
    assert (status, "so nothing was changed; `penstock streams --allow-data-loss`" in text) == (1, True), text
    status, text = await run("--allow-data-loss", PENSTOCK_JOBS_MAX_AGE_DAYS="4")
    assert (status, "declared JOBS" in text) == (0, True), text
