"""`penstock tenants purge`: nothing is left of one tenant, and another's is as it was."""

import asyncio
import json
import socket
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from penstock import jobs
from penstock.callers.keyring import Keyring
from penstock.callers.keys import Keys, make
from penstock.client import NatsClient
from penstock.client.tenants import ENDED, Tenant
from penstock.contracts.waiting import shift_key
from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.counters import add
from penstock.jetstream.partitions import logical_stream
from penstock.settings import Settings
from penstock.usage import Folding
from tests.authors import reminding
from tests.support.partitions import in_partitions
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline
from tests.support.servers import NatsServer
from tests.system.cli.system import penstock

#: Their names, and what each of their texts has in it.
A, B = "acme", "beta"
PLANTED = {A: "zanzibar", B: "timbuktu"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    own = {"cache": True, "budgets": (), "patterns": (f"{reminding.__name__}:PATTERN",)}
    return settings.model_copy(update=own)


@pytest.fixture
async def both(pipeline: Pipeline) -> Pipeline:
    """With all that a tenant can have, of two tenants, and some of it of no tenant."""
    for tenant in (A, B):
        await live(pipeline, tenant)
    await Folding(pipeline.bus).fold()
    return pipeline


async def live(pipeline: Pipeline, tenant: str) -> None:
    """Jobs that have ended and that wait; a key, a chat, a webhook, a letter, a cached reply, counters, limits."""
    bus, text = pipeline.bus, PLANTED[tenant]
    async with NatsClient(pipeline.settings, tenant=tenant) as client:
        options = {"budget": {"tokens": 1_000_000}}
        await client.run("routing", {"query": f"Where is {text}?", "options": options})
        waiting = await client.submit("reminding", {"timeouts": [None, 3600.0]})
        timed = await client.submit("reminding", {"timeouts": [3600.0]})
    for job in (waiting, timed):
        await seen(bus, subjects.journal(JobName(tenant, job), shift_key(0)))
    await Keys(bus).add(make(text, tenant, created=datetime.now(UTC)).key)
    name = JobName(tenant, jobs.new_job_id())
    body = json.dumps({"text": text}).encode()
    await bus.append(subjects.chat(tenant, "0" * 64), body)
    await bus.append(subjects.dead(subjects.job("routing", name)), body)
    # and one whose pattern is called as the other tenant is
    await bus.append(subjects.dead(subjects.job(A if tenant == B else B, name)), body)
    await bus.append(subjects.dead(subjects.step("workers", "routing", "respond", name, "respond-1")), body)
    await bus.append(subjects.places(tenant), body)
    await add(bus, subjects.counter("budget", "tenant", tenant, "2026-11", "tokens", "spent"), 7)
    await add(bus, subjects.counter("budget", "key", tenant, "k", "2026-11", "tokens", "spent"), 7)


async def seen(bus: Bus, subject: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await bus.last_from_any_replica([subject]):
            await asyncio.sleep(0.02)


async def everything(bus: Bus) -> list[tuple[str, int, str]]:
    """All messages of all streams: stream, sequence, and subject, headers and body as one text."""
    found = []
    for info in await bus.jetstream.streams_info():
        # asked by `>`, NATS 2.15 does not find a last message behind which others were deleted
        name = logical_stream(str(info.config.name))
        for stored in [one for some in info.config.subjects or () async for one in bus.history(some)]:
            headers = {name: value for name, value in stored.headers.items() if not name.startswith("Nats-")}
            text = f"{stored.subject} {headers} {stored.data.decode(errors='replace')}"
            found.append((name, stored.sequence, text))
    return sorted(found)


def of(tenant: str, messages: list[tuple[str, int, str]]) -> list[tuple[str, int, str]]:
    """Those that say its name or its text, but not the other's."""
    (others,) = PLANTED.keys() - {tenant}
    found = [one for one in messages if tenant in one[2] or PLANTED[tenant] in one[2]]
    return [one for one in found if PLANTED[others] not in one[2]]


@in_partitions
async def test_nothing_is_left_of_one_tenant_and_the_other_is_as_it_was(both: Pipeline, tmp_path: Path) -> None:
    """In no subject, header or body of any stream; what the other has is the same to the message.

    On the disk it is overwritten, with `--erase`. (Not what was acknowledged or replaced before: STEPS, or a key.)
    """
    before = await everything(both.bus)
    had = {stream for stream, _, _ in of(A, before)}
    assert had == {*subjects.STREAMS} - {subjects.STEPS, subjects.TURNS, subjects.HOOKS, subjects.MODELS}
    removed = await Tenant(both.bus, A).purge(keep_usage=False, erase=True, told=lambda _: None)
    after = await everything(both.bus)
    assert of(A, after) == []
    assert of(B, after) == of(B, before)
    for stream in (subjects.JOBS, subjects.JOURNAL, subjects.EVENTS):
        folders = (tmp_path / "nats").glob(f"**/streams/{stream}*")
        kept = b"".join(file.read_bytes() for folder in folders for file in folder.rglob("*") if file.is_file())
        assert (PLANTED[A].encode() in kept, PLANTED[B].encode() in kept) == (False, True), stream
    assert removed[ENDED] == 2
    assert {stream for stream, count in removed.items() if count} - {ENDED} == had
    assert await Tenant(both.bus, A).count() == Counter()
    async with NatsClient(both.settings, tenant=B) as client:
        assert sorted([one.status async for one in client.jobs()]) == ["completed", "waiting", "waiting"]


async def test_a_job_that_is_being_worked_on_writes_nothing_behind_the_purge(pipeline: Pipeline) -> None:
    """Its model is in the middle of a reply."""
    await pipeline.gemini.rule(step="respond", reply={"pace": {"ttft": 0.05, "tokensPerSecond": 5}})
    async with NatsClient(pipeline.settings, tenant=A) as client:
        running = await client.submit("routing", {"query": f"Where is {PLANTED[A]}?"})
        await seen(pipeline.bus, subjects.journal(JobName(A, running), "classify-1"))
    removed = await Tenant(pipeline.bus, A).purge(keep_usage=False, erase=False, told=lambda _: None)
    assert removed[ENDED] == 1
    assert of(A, await everything(pipeline.bus)) == []


async def test_a_job_that_is_let_in_during_the_purge_is_ended_before_it_is_removed(pipeline: Pipeline) -> None:
    """Else it would run on with nobody to find it, and write its result behind the purge."""
    await pipeline.gemini.rule(step="classify", reply={"hold": "classify"})
    late = subjects.job("routing", JobName(A, "late"))
    request = json.dumps({"query": f"Where is {PLANTED[A]}?"}).encode()
    told = list[str]()

    def let_in(line: str) -> None:
        if not told:
            publish_at_once(pipeline.settings.nats_url, late, request)
        told.append(line)

    await pipeline.bus.append(subjects.chat(A, "0" * 64), b"{}")
    removed = await Tenant(pipeline.bus, A).purge(keep_usage=False, erase=False, told=let_in)
    await pipeline.gemini.release("classify")
    assert (removed[ENDED], removed[subjects.JOBS]) == (1, 1), told
    assert of(A, await everything(pipeline.bus)) == []


def publish_at_once(url: str, subject: str, body: bytes) -> None:
    """In the middle of what does not wait: NATS has it when this returns."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE) as connection:
        connection.sendall(b"CONNECT {}\r\nPUB %s %d\r\n%s\r\nPING\r\n" % (subject.encode(), len(body), body))
        with connection.makefile("rb") as said:
            assert b"PONG\r\n" in said


async def test_a_gateway_whose_keys_are_all_gone_is_not_open_to_everybody(bus: Bus) -> None:
    """That there was one is all that stays of a key."""
    made = make(PLANTED[A], A, created=datetime.now(UTC))
    await Keys(bus).add(made.key)
    await Tenant(bus, A).purge(keep_usage=False, erase=False, told=lambda _: None)
    async with (keyring := Keyring(bus)).kept():
        assert (keyring.is_empty, keyring.has_valid, keyring.find(made.text)) == (False, False, None)


async def test_usage_can_be_kept_for_the_books(both: Pipeline) -> None:
    await Tenant(both.bus, A).purge(keep_usage=True, erase=False, told=lambda _: None)
    left = of(A, await everything(both.bus))
    assert {stream for stream, _, _ in left} == {subjects.USAGE}
    assert PLANTED[A] not in str(left)


@pytest.mark.long
@pytest.mark.long
async def test_the_command_asks_before_it_removes(both: Pipeline, nats: NatsServer) -> None:
    async def run(*arguments: str) -> tuple[int, str, str]:
        ended = await asyncio.to_thread(penstock, "tenants", *arguments, cwd="/", PENSTOCK_NATS_URL=nats.url)
        return ended.returncode, ended.stdout, ended.stderr

    status, shown, _ = await run("show", A)
    counts = json.loads(shown)["streams"]
    assert (status, counts["JOBS"], counts["KV_KEYS"], counts["DEAD"]) == (0, 3, 1, 3)
    status, _, said = await run("purge", A)
    assert (status, "--yes is needed" in said) == (2, True)
    assert json.loads((await run("show", A))[1])["streams"] == counts
    status, purged, _ = await run("purge", A, "--yes")
    gone = json.loads(purged)
    assert (status, gone["ended"], gone["streams"]["JOBS"]) == (0, 2, 3)
    assert json.loads((await run("show", A))[1])["streams"] == {}
    assert (await run("purge", "No Tenant", "--yes"))[0] == 2
