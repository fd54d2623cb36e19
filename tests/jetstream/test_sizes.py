"""`penstock streams --sizes`: what jobs leave, what that needs, and what does not fit together."""

import asyncio
import json
from pathlib import Path

from nats.js import api

from penstock.jetstream import subjects
from penstock.jetstream.measured import BYTES_A_JOB
from penstock.jetstream.sizes import sizes, unfit
from penstock.local.nats_server import binary
from penstock.patterns import PATTERNS
from penstock.settings import Settings
from tests.support.pipeline import Pipeline
from tests.support.repository import ROOT
from tests.support.servers import NatsServer
from tests.system.cli.system import penstock

MILLION = 1_000_000


async def test_jobs_leave_about_what_was_measured(pipeline: Pipeline) -> None:
    """Within a factor of 2 for what is written once; events come in fewer pieces where a model answers at once."""
    for pattern in PATTERNS:
        before = await held(pipeline)
        await pipeline.run(pattern.name, pattern.example.model_dump(mode="json", by_alias=True))
        after = await held(pipeline)
        left = {name: after[name] - before[name] for name in after}
        measured = BYTES_A_JOB[pattern.name]
        for stream in (subjects.JOBS, subjects.JOURNAL):
            assert measured[stream] / 2 < left[stream] < measured[stream] * 2, (pattern.name, stream, left, measured)
        assert 0 < left[subjects.EVENTS] < measured[subjects.EVENTS] * 2


def test_the_documented_figures_are_those_that_are_reckoned_with() -> None:
    text = (ROOT / "docs" / "operations" / "sizes.md").read_text()
    for name, row in BYTES_A_JOB.items():
        assert f"| {name} | {' | '.join(f'{bytes_:,}' for bytes_ in row.values())} |" in text
    assert set(BYTES_A_JOB) == {pattern.name for pattern in PATTERNS}


def test_what_does_not_fit_is_one_sentence_each_that_says_what_would() -> None:
    small = Settings()
    assert list(unfit(small, sizes(small, 10_000))) == []
    journal, events = unfit(small, sizes(small, 100_000))
    assert journal.startswith("JOURNAL holds 960 MiB, ")
    assert "no new jobs are taken" in journal
    assert events.startswith("EVENTS holds 1.1 GiB, ")
    assert "a snapshot" in events
    would_do = int(journal.partition("PENSTOCK_STORE_BYTES=")[2].split()[0])
    larger = Settings(store_bytes=would_do)
    assert list(unfit(larger, sizes(larger, 100_000))) == []
    (cache,) = unfit(hasty := Settings(cache=True, cache_ttl=2), sizes(hasty))
    assert "PENSTOCK_CACHE_TTL=2 is less than twice PENSTOCK_ACK_WAIT=6" in cache
    (letters,) = unfit(long := Settings(jobs_max_age_days=60), sizes(long))
    assert "60 is more than the 30 days of a dead letter" in letters


async def test_the_command_compares_with_the_account_of_the_server(tmp_path: Path) -> None:
    """An account whose limit is less than the streams reserve; what they hold is shown where they are declared."""
    server = NatsServer(tmp_path / "nats")
    async with server:
        status, text = await shown(server.url, tmp_path)
        assert (status, "all of it fits together" in text) == (0, True), text
        await asyncio.to_thread(penstock, "streams", cwd=tmp_path, PENSTOCK_NATS_URL=server.url)
        status, text = await shown(server.url, tmp_path, "--jobs-per-day", "1000")
        assert (status, "1,000 jobs leave" in text, " 0 B" in text) == (0, True, True), text
        await server.stop()
        file = tmp_path / "nats" / "nats.conf"
        limits = {"max_file": 100 * MILLION, "max_mem": MILLION}
        account = {"jetstream": limits, "users": [{"user": "penstock", "password": "x"}]}
        file.write_text(json.dumps(json.loads(file.read_text()) | {"accounts": {"PENSTOCK": account}}))
        limited = await asyncio.create_subprocess_exec(binary(), "-c", str(file), stderr=asyncio.subprocess.DEVNULL)
        try:
            status, text = await shown(server.url.replace("//", "//penstock:x@"), tmp_path)
            assert (status, "the NATS account may store 95.4 MiB, and the streams reserve 4.0 GiB" in text) == (1, True)
        finally:
            limited.kill()
            await limited.wait()


async def held(pipeline: Pipeline) -> dict[str, int]:
    infos: list[api.StreamInfo] = await pipeline.bus.jetstream.streams_info()
    return {str(info.config.name): info.state.bytes for info in infos}


async def shown(nats_url: str, folder: Path, *options: str) -> tuple[int, str]:
    command = ("streams", "--sizes", *options)
    ended = await asyncio.to_thread(penstock, *command, cwd=folder, PENSTOCK_NATS_URL=nats_url)
    return ended.returncode, ended.stdout + ended.stderr
