"""Callers over plain NATS, with the account that `penstock keys nats` prints and the fleet's that the docs have."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.errors import Error, NoRespondersError

from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.nats_api import credentials
from penstock.nats_api.credentials import Credentials
from penstock.settings import Settings
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline
from tests.support.repository import ROOT
from tests.support.servers import NatsServer

QUERY = b'{"query": "Our API answers 502"}'
OURS, OTHERS = credentials.make("default"), credentials.make("b")


@pytest.fixture
async def nats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NatsServer]:
    monkeypatch.setenv("FLEET_PASSWORD", "fleet")
    (tmp_path / "tenant-shop.conf").write_text("\n".join(map(credentials.account, (OURS, OTHERS))))
    documented = re.search(r"```\n(accounts .*?)```", (ROOT / "docs" / "nats-api.md").read_text(), re.DOTALL)
    assert documented is not None
    config = tmp_path / "accounts.conf"
    server = NatsServer(tmp_path / "nats", "-c", str(config))
    port, store = server.url.rpartition(":")[2], json.dumps(str(tmp_path / "jetstream"))
    general = f"listen: 127.0.0.1:{port}\nmax_payload: 8MB\njetstream: {{ store_dir: {store} }}\n"
    config.write_text(general + documented[1])
    async with server:
        yield server


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The fleet's."""
    return settings.model_copy(update={"nats_url": url(settings, "penstock", "fleet")})


def url(settings: Settings, user: str, password: str) -> str:
    return f"nats://{user}:{password}@127.0.0.1:{settings.nats_url.rpartition(':')[2]}"


class Caller:
    """A plain client. `refusals`: what the server said no to."""

    def __init__(self, connection: Client) -> None:
        self.connection = connection
        self.refusals = asyncio.Queue[str]()

    async def heard(self, error: Exception) -> None:
        said = re.fullmatch(r'nats: permissions violation for (\w+) to "(.*)"', str(error))
        self.refusals.put_nowait(f"{said[1]} {said[2]}" if said else str(error))

    async def refused(self, number: int) -> list[str]:
        """The next so many."""
        async with asyncio.timeout(PATIENCE):
            return [await self.refusals.get() for _ in range(number)]

    async def ask(self, subject: str, body: Any, **headers: str) -> dict[str, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await self.connection.request(subject, data, PATIENCE, headers=headers or None)
        read: dict[str, Any] = json.loads(answer.data)
        return read


@asynccontextmanager
async def calling(settings: Settings, who: Credentials) -> AsyncIterator[Caller]:
    caller = Caller(Client())
    await caller.connection.connect(url(settings, who.user, who.password), error_cb=caller.heard)
    try:
        yield caller
    finally:
        await caller.connection.close()


async def test_a_caller_can_do_all_that_plain_nats_can(pipeline: Pipeline) -> None:
    """By request, by publishing with an acknowledgement, by publishing without one; and see what becomes of it."""
    tenant = OTHERS.tenant
    async with calling(pipeline.settings, OTHERS) as caller, asyncio.timeout(PATIENCE):
        events = await caller.connection.subscribe(f"live.{tenant}.*")
        submitted = await caller.ask(f"penstock.submit.{tenant}.routing", QUERY)
        await caller.connection.jetstream().publish(f"jobs.{tenant}.routing.acknowledged", QUERY, timeout=PATIENCE)
        await caller.connection.publish(f"jobs.{tenant}.routing.plain", QUERY)
        ids, ended = {submitted["id"], "acknowledged", "plain"}, set[str]()
        async for message in events.messages:
            if any(json.loads(line)["type"] == "job.completed" for line in message.data.splitlines()):
                ended.add(message.subject.rpartition(".")[2])
                if ended == ids:
                    break
        for job in ids:
            assert (await caller.ask(f"penstock.status.{tenant}", {"id": job}))["status"] == "completed"
            fact = subjects.journal(JobName(tenant, job), "end")
            assert (await caller.ask(f"$JS.API.DIRECT.GET.JOURNAL.{fact}", b""))["status"] == "completed"
        assert (await caller.ask(f"penstock.retry.{tenant}", {"id": "plain"}))["code"] == "not_failed"
        assert (await caller.ask(f"penstock.cancel.{tenant}", {"id": "nobody"}))["code"] == "unknown_job"
        signalled = await caller.ask(f"penstock.signal.{tenant}", {"id": "nobody", "name": "x", "body": 1})
        assert signalled["code"] == "unknown_job"
        assert (await caller.ask("penstock.patterns", b""))["patterns"]
        assert caller.refusals.empty()


async def test_the_example_runs_with_them(pipeline: Pipeline) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "examples" / "nats_python" / "submit.py"), "Our API answers 502"),
        env={**os.environ, "NATS_URL": url(pipeline.settings, OURS.user, OURS.password)},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert b'"response"' in output


async def test_the_server_refuses_all_else(pipeline: Pipeline) -> None:
    """What is another tenant's, the fleet's or JetStream's; none of it is stored or heard."""
    published = [
        *("jobs.b.routing.x", "penstock.submit.b.routing", "penstock.status.b", "penstock.cancel.b"),
        *("penstock.retry.b", "penstock.signal.b", "penstock.runs.routing", "penstock.fleet"),
        *("journal.default.x.end", "facts.default.x.end", "live.default.x", "events.default.x", "cache.default.x"),
        *("steps.workers.routing.respond.default.x.key", "timers.default.x.set.key", "$KV.KEYS.0123456789"),
        *("limits.jobs.default", "counters.x", "usage.default.2026-11.26", "$JS.ACK.JOBS.aggregator.1.1.1.1.0"),
        *("$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.INFO.JOBS", "$JS.API.STREAM.MSG.GET.JOURNAL"),
        *("$JS.API.DIRECT.GET.JOURNAL", "$JS.API.DIRECT.GET.JOURNAL.journal.b.x.end", "$JS.API.DIRECT.GET.EVENTS"),
        *("$JS.API.CONSUMER.CREATE.EVENTS.x.events.default.x", "$JS.API.CONSUMER.CREATE.EVENTS"),
        *("$JS.API.CONSUMER.MSG.NEXT.JOBS.aggregator", "$JS.API.CONSUMER.DELETE.JOBS.aggregator"),
        *("$JS.API.STREAM.PURGE.JOBS", "$JS.API.STREAM.DELETE.JOBS", "$JS.API.STREAM.CREATE.X", "$SYS.REQ.USER.INFO"),
    ]
    heard = [
        *(">", "*.>", "live.>", "live.b.>", "live.*.x", "facts.>", "facts.default.x.end", "jobs.>", "journal.>"),
        *("penstock.>", "keys.>", "cached.>", "_R_.>", "$JS.>", "$SYS.>"),
    ]
    before = {name: (await pipeline.bus.jetstream.stream_info(name)).state.messages for name in subjects.STREAMS}
    async with calling(pipeline.settings, OURS) as caller:
        for subject in published:
            await caller.connection.publish(subject, b"{}")
        assert await caller.refused(len(published)) == [f"publish {subject.lower()}" for subject in published]
        for subject in heard:
            await caller.connection.subscribe(subject)
        assert await caller.refused(len(heard)) == [f"subscription {subject.lower()}" for subject in heard]
    after = {name: (await pipeline.bus.jetstream.stream_info(name)).state.messages for name in subjects.STREAMS}
    assert after == before


async def test_a_fact_of_another_tenant_cannot_be_asked_for_in_a_body(pipeline: Pipeline) -> None:
    """The one request to JetStream that is allowed takes none."""
    for tenant in (OURS.tenant, OTHERS.tenant):
        await pipeline.bus.once(f"journal.{tenant}.x.end", tenant.encode())
    async with calling(pipeline.settings, OURS) as caller:
        for wanted in ({"seq": 2}, {"last_by_subj": "journal.b.x.end"}, {"multi_last": [">"]}, {"next_by_subj": ">"}):
            for key in ("x.end", "*.>", "*.*"):
                subject = f"$JS.API.DIRECT.GET.JOURNAL.journal.default.{key}"
                answer = await caller.connection.request(subject, json.dumps(wanted).encode(), PATIENCE)
                assert (answer.headers or {})["Status"] == "408"
                assert answer.data == b""
        answer = await caller.connection.request("$JS.API.DIRECT.GET.JOURNAL.journal.default.*.>", b"", PATIENCE)
        assert answer.data in (b"", b"default")


async def test_answers_reach_their_caller_only(pipeline: Pipeline) -> None:
    """Whatever reply subject is named: no other tenant hears it, and no stream of the fleet stores it."""
    asked = (
        *("penstock.patterns", "penstock.status.default", "jobs.default.routing.mine"),
        "$JS.API.DIRECT.GET.JOURNAL.journal.default.led.end",
    )
    replies = ("journal.b.led.end", "events.b.led", "jobs.b.routing.led", "_INBOX.led", "live.b.led")
    await pipeline.bus.once("journal.default.led.end", b"mine")
    async with calling(pipeline.settings, OURS) as caller, calling(pipeline.settings, OTHERS) as other:
        answers = [await one.connection.subscribe("_INBOX.>") for one in (caller, other)]
        events = await other.connection.subscribe("live.b.*")
        await other.connection.flush()
        for subject in asked:
            for reply in replies:
                await caller.connection.publish(subject, QUERY if subject.startswith("jobs") else b"", reply=reply)
        for _ in asked:  # the answers to what came after are there, too
            assert (await answers[0].next_msg(PATIENCE)).subject == "_INBOX.led"
        await caller.ask("penstock.patterns", b"")
        await other.connection.flush()
        assert answers[1].pending_msgs == events.pending_msgs == 0
    await pipeline.result("mine")
    for subject in ("journal.b.>", "events.b.>", "jobs.b.>"):
        assert await pipeline.bus.last_from_leader(subject) is None


async def test_a_tenant_is_added_while_the_fleet_works(pipeline: Pipeline, nats: NatsServer, tmp_path: Path) -> None:
    """The server reads its configuration again, twice; nobody is cut off."""
    added = credentials.make("added")
    async with asyncio.timeout(PATIENCE), calling(pipeline.settings, OURS) as caller:
        with (tmp_path / "tenant-shop.conf").open("a") as file:
            file.write("\n" + credentials.account(added))
        nats.signal(signal.SIGHUP)
        async with await admitted(pipeline.settings, added) as other:
            nats.signal(signal.SIGHUP)  # at the first a new account's services are bound to nobody
            while True:
                try:
                    assert (await other.ask("penstock.patterns", b""))["patterns"]
                    break
                except NoRespondersError:
                    await asyncio.sleep(0.01)
        assert (await caller.ask("penstock.status.default", {"id": "nobody"}))["code"] == "unknown_job"
        assert not caller.connection.stats["reconnects"]
        assert not pipeline.bus.connection.stats["reconnects"]


async def admitted(settings: Settings, who: Credentials) -> AbstractAsyncContextManager[Caller]:
    """Returns once the server lets the caller in."""
    while True:
        try:
            async with calling(settings, who):
                return calling(settings, who)
        except Error:
            await asyncio.sleep(0.01)
