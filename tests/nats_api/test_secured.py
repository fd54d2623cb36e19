"""A NATS server as `penstock nats-config` configures it: each service can do its work as its own user, and no more."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from nats.aio.client import Client

from penstock.contracts.journal import END
from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.connection import connect_options
from penstock.jetstream.partitions import stream_of as of_partition
from penstock.jetstream.subjects import STREAMS
from penstock.nats_api.permissions import REPUBLISHED
from penstock.settings import Settings
from tests.support.gateway_process import GatewayServer, serving_gateway
from tests.support.partitions import in_partitions
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline, pipeline_of
from tests.support.secured import as_user, configured, identity, refusals, secured
from tests.support.servers import NatsServer
from tests.support.simulator import Steering

#: One request of each pattern.
REQUESTS = {
    "sequential-processing": {"input": "A solar lantern for campers"},
    "routing": {"query": "Our API answers 502 errors since the last deploy"},
    "parallel-processing": {"code": "print(1)"},
    "orchestrator-worker": {"featureDescription": "Export invoices"},
    "evaluator-optimizer": {"text": "Good morning", "targetLanguage": "French", "domain": "general"},
    "multi-step-tool-usage": {"problem": "What is 12 * (3 + 4)?"},
}


@pytest.fixture
def users(tmp_path: Path, partitions: int) -> Path:
    configured(tmp_path / "users", "--tenant", "shop", "--tenant", "b", PENSTOCK_PARTITIONS=str(partitions))
    return tmp_path / "users"


@pytest.fixture
async def nats(users: Path, tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with secured(users, tmp_path) as server:
        yield server


@pytest.fixture
def settings(settings: Settings, users: Path) -> Settings:
    """The operator's."""
    return as_user(settings, users, "operator")


@pytest.fixture
async def pipeline(settings: Settings, gemini: Steering, users: Path) -> AsyncIterator[Pipeline]:
    async with pipeline_of(settings, gemini) as pipeline:
        for kind in ("aggregator", "classifier", "workers"):
            await pipeline.start(kind, **identity(users, kind))
        yield pipeline


@pytest.fixture
async def gateway(pipeline: Pipeline, users: Path) -> AsyncIterator[GatewayServer]:
    async with serving_gateway(as_user(pipeline.settings, users, "gateway")) as server:
        yield server


class User:
    """A plain client that is a service to the server. `refusals`: what the server said no to."""

    def __init__(self, connection: Client) -> None:
        self.connection = connection
        self.refusals = asyncio.Queue[str]()

    async def heard(self, error: Exception) -> None:
        said = re.fullmatch(r'nats: permissions violation for (\w+) to "(.*)"', str(error))
        self.refusals.put_nowait(said[2] if said else str(error))

    async def refused(self, *subjects: str) -> None:
        """The server refuses to publish to each of them."""
        for subject in subjects:
            await self.connection.publish(subject, b"{}")
        async with asyncio.timeout(PATIENCE):
            said = [await self.refusals.get() for _ in subjects]
        # of what goes by another name in an executor's account the server says that name
        assert [one.replace("fleet.stream.", "$js.api.stream.") for one in said] == [one.lower() for one in subjects]

    async def deaf(self, *subjects: str) -> None:
        """The server refuses to let it hear each of them."""
        for subject in subjects:
            await self.connection.subscribe(subject)
        async with asyncio.timeout(PATIENCE):
            assert [await self.refusals.get() for _ in subjects] == [one.lower() for one in subjects]


@asynccontextmanager
async def being(settings: Settings, users: Path, name: str) -> AsyncIterator[User]:
    user = User(Client())
    options = connect_options(as_user(settings, users, name), "test")
    await user.connection.connect(**options, error_cb=user.heard)
    try:
        yield user
    finally:
        await user.connection.close()


@pytest.mark.parametrize("pattern", REQUESTS)
async def test_each_pattern_runs(gateway: GatewayServer, pattern: str, caplog: pytest.LogCaptureFixture) -> None:
    """With each service as its own user; the server has refused nothing to any of them."""
    answer = await gateway.http.post(f"/{pattern}", json=REQUESTS[pattern])
    assert answer.status_code == 200, answer.text
    assert answer.json()
    assert refusals(caplog) == []


@in_partitions
async def test_the_gateway_shows_all_it_shows(
    gateway: GatewayServer, pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    """Lists, states, timelines, the fleet, usage, dead letters; a job is cancelled, one is retried."""
    await pipeline.bus.once("jobs.default.routing.wrong", b"{")
    await pipeline.failure("wrong")
    submitted = await gateway.http.post("/routing", json=REQUESTS["routing"], headers={"Prefer": "respond-async"})
    job = submitted.json()["id"]
    await pipeline.result(job)
    for path in (f"/jobs/{job}", f"/jobs/{job}/events", f"/jobs/{job}/timeline", "/jobs", "/usage", "/dead-letters"):
        assert (await gateway.http.get(path)).status_code == 200, path
    fleet = (await gateway.http.get("/fleet")).json()
    assert sorted(one["service"] for one in fleet["replicas"]) == ["aggregator", "classifier", "gateway", "workers"]
    await pipeline.gemini.rule(step="respond", reply={"hold": "respond"})
    submitted = await gateway.http.post("/routing", json=REQUESTS["routing"], headers={"Prefer": "respond-async"})
    running = submitted.json()["id"]
    await pipeline.gemini.wait(step="respond")
    assert (await gateway.http.delete(f"/jobs/{running}")).json()["status"] == "cancelled"
    await pipeline.gemini.release("respond")
    await pipeline.gemini.clear()
    again = await gateway.http.post(f"/jobs/{running}/retry")
    await pipeline.result(again.json()["id"])
    for letter in (await gateway.http.get("/dead-letters")).json()["letters"]:
        assert (await gateway.http.delete(f"/dead-letters/{letter['number']}")).status_code == 200
    assert refusals(caplog) == []


NOBODYS = (
    *("facts.default.x.end", "live.default.x", "cached.default.x", "keys.0123456789", "limited.jobs.default"),
    *("$JS.API.STREAM.DELETE.JOBS", "$JS.API.STREAM.PURGE.JOURNAL", "$JS.API.STREAM.UPDATE.EVENTS"),
    *("$JS.API.STREAM.CREATE.X", "$JS.API.STREAM.MSG.DELETE.JOURNAL", "$JS.API.CONSUMER.CREATE.JOURNAL"),
    *("$JS.API.CONSUMER.DURABLE.CREATE.STEPS.x", "$JS.API.CONSUMER.DELETE.STEPS.x", "$KV.KEYS.0123456789"),
    *("timers.default.x.due.key", "$SYS.REQ.SERVER.PING"),
)
FORGED = {
    "workers": (
        *("journal.default.x.end", "journal.default.x.start", "journal.default.x.wait.key", "jobs.default.routing.x"),
        *("_INBOX.operator.x", "_INBOX.gateway.x", "_INBOX.aggregator.x"),
        *("journal.default.x.signal.ok", "steps.normal.workers.routing.respond.default.x.key", "usage.place"),
        *("limits.jobs.default", "turns.normal.default.routing.x", "timers.default.x.set.key", "penstock.fleet"),
        "$JS.API.CONSUMER.MSG.NEXT.STEPS.classifier=routing=classify=normal",
        "$JS.ACK.STEPS.classifier=routing=classify=normal.1.1.1.1.0",
        *("$JS.API.STREAM.MSG.GET.KV_KEYS", "$JS.API.DIRECT.GET.KV_KEYS", "$JS.API.STREAM.MSG.GET.STEPS"),
        *("$JS.API.DIRECT.GET.JOBS", "$JS.API.CONSUMER.MSG.NEXT.JOBS.aggregator", "penstock.cancel.default"),
    ),
    "classifier": (
        *("journal.default.x.end", "jobs.default.routing.x", "penstock.cancel.default", "_INBOX.gateway.x"),
        "$JS.API.CONSUMER.MSG.NEXT.STEPS.workers=routing=respond=normal",
        "$JS.ACK.STEPS.workers=routing=respond=normal.1.1.1.1.0",
        *("$JS.API.STREAM.MSG.GET.KV_KEYS", "$JS.API.DIRECT.GET.KV_KEYS"),
    ),
    "gateway": (
        *("journal.default.x.respond-1", "journal.default.x.start", "journal.default.x.wait.key", "cache.default.x"),
        *("steps.normal.workers.routing.respond.default.x.key", "models.pause.x"),
        *("$JS.API.CONSUMER.MSG.NEXT.STEPS.workers=routing=respond=normal", "timers.default.x.set.key"),
        *("$JS.API.CONSUMER.MSG.NEXT.JOBS.aggregator", "$JS.API.CONSUMER.DELETE.JOBS.aggregator"),
        *("$JS.ACK.JOBS.aggregator.1.1.1.1.0", "$JS.API.CONSUMER.RESET.JOBS.aggregator", "_INBOX.operator.x"),
    ),
    "aggregator": (
        *("$JS.API.STREAM.MSG.GET.KV_KEYS", "$JS.API.DIRECT.GET.KV_KEYS", "models.pause.x", "cache.default.x"),
        *("$JS.API.CONSUMER.MSG.NEXT.STEPS.workers=routing=respond=normal", "limits.rate.x"),
    ),
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_service_can_publish_nothing_else(pipeline: Pipeline, users: Path, name: str) -> None:
    """What is another's to say, what the server alone says, and what would change a stream; none of it is stored."""
    before = {name: (await pipeline.bus.jetstream.stream_info(name)).state.messages for name in STREAMS}
    async with being(pipeline.settings, users, name) as user:
        await user.refused(*NOBODYS, *FORGED[name])
    after = {name: (await pipeline.bus.jetstream.stream_info(name)).state.messages for name in STREAMS}
    assert after == before


@pytest.mark.parametrize("name", FORGED)
async def test_a_service_that_asks_itself_may_answer_nowhere_else(pipeline: Pipeline, users: Path, name: str) -> None:
    """A server that lets users answer where they were asked to (`allow_responses`) lets them answer themselves."""
    led = ("facts.default.x.end", "$KV.KEYS.0123456789", "$JS.API.STREAM.PURGE.JOURNAL", *FORGED[name][:1])
    async with being(pipeline.settings, users, name) as user:
        heard = await user.connection.subscribe(f"_INBOX.{name}.own")
        for subject in led:
            await user.connection.publish(f"_INBOX.{name}.own", b"", reply=subject)
            assert (await heard.next_msg(PATIENCE)).reply == subject
        await user.refused(*led)


async def test_the_operator_is_answered(pipeline: Pipeline, users: Path) -> None:
    """Where an operator's clients listen, which is at no other user's inbox."""
    async with being(pipeline.settings, users, "operator") as user:
        answer = await user.connection.request("penstock.patterns", b"", PATIENCE)
        assert "routing" in answer.data.decode()


async def test_not_even_the_operator_says_what_the_server_says(pipeline: Pipeline, users: Path) -> None:
    async with being(pipeline.settings, users, "operator") as user:
        await user.refused(*(one.replace(">", "default.x") for one in REPUBLISHED))


@pytest.mark.parametrize("name", FORGED)
async def test_a_service_hears_nothing_else(pipeline: Pipeline, users: Path, name: str) -> None:
    others = [f"_INBOX.{one}.>" for one in (*FORGED, "operator") if one != name]
    async with being(pipeline.settings, users, name) as user:
        await user.deaf(">", "_INBOX.>", "journal.>", "jobs.>", "steps.>", "$JS.>", "$KV.>", *others)
        if name != "gateway":
            await user.deaf("keys.>")


@pytest.mark.parametrize("name", ["workers", "classifier"])
async def test_an_executor_cannot_lead_an_answer_to_where_it_may_not_publish(
    pipeline: Pipeline, users: Path, name: str
) -> None:
    """Whatever reply subject it names: a message that it reads, or an acknowledgement, comes back to its account."""
    led = ("journal.default.led.end", "$JS.API.STREAM.DELETE.JOBS", "$JS.API.STREAM.PURGE.JOURNAL", "live.default.led")
    reading = b'{"last_by_subj": "events.default.mine"}'
    async with being(pipeline.settings, users, name) as user:
        connection = user.connection
        heard = await pipeline.bus.connection.subscribe("live.default.led")
        await pipeline.bus.connection.flush()
        for reply in led:
            await connection.publish("events.default.mine", b'{"status": "completed"}', reply=reply)
            for asked in ("DIRECT.GET", "STREAM.MSG.GET"):
                await connection.publish(f"$JS.API.{asked}.EVENTS", reading, reply=reply)
        assert await connection.request("$JS.API.DIRECT.GET.EVENTS", reading, PATIENCE)
        await pipeline.bus.connection.flush()
    assert heard.pending_msgs == 0
    assert await pipeline.bus.last_from_leader("journal.default.led.>") is None
    for stream in STREAMS:
        assert await pipeline.bus.jetstream.stream_info(stream)


async def test_a_gateway_can_lead_an_answer_which_is_why_executors_have_accounts(
    pipeline: Pipeline, users: Path
) -> None:
    """What permissions alone do not stop (docs/nats-security.md), in case a server ever looks at reply subjects."""
    async with being(pipeline.settings, users, "gateway") as user:
        await user.refused("journal.default.led.key")
        await user.connection.publish("events.default.mine", b"{}", reply="journal.default.led.key")
        await user.connection.flush()
        async with asyncio.timeout(PATIENCE):
            while await pipeline.bus.last_from_leader("journal.default.led.key") is None:
                await asyncio.sleep(0.01)


@in_partitions
async def test_a_caller_of_one_tenant_reaches_its_own_jobs_and_no_other_s(pipeline: Pipeline, users: Path) -> None:
    """The accounts of tenants are those of `penstock keys nats` (tests/callers/test_nats_credentials.py)."""
    found = re.search(r'user: "(.*)", password: "(.*)"', (users / "tenant-shop.conf").read_text())
    assert found
    user = User(Client())
    await user.connection.connect(pipeline.settings.nats_url, user=found[1], password=found[2], error_cb=user.heard)
    try:
        answer = await user.connection.request("penstock.submit.shop.routing", b'{"query": "?"}', PATIENCE)
        assert json.loads(answer.data)["status"]
        job = JobName("shop", "plain")
        await user.connection.jetstream().publish(subjects.job("routing", job), b'{"query": "?"}', timeout=PATIENCE)
        async with asyncio.timeout(PATIENCE):
            while await pipeline.bus.last_from_leader(subjects.journal(job, END)) is None:
                await asyncio.sleep(0.05)
        fact = pipeline.bus.partitions.one(subjects.journal(job, END))
        end = await user.connection.request(f"$JS.API.DIRECT.GET.{of_partition(fact)}.{fact}", b"", PATIENCE)
        assert json.loads(end.data)["status"] == "completed"
        await user.refused("jobs.b.routing.x", "penstock.status.b", "$JS.API.DIRECT.GET.JOURNAL.journal.b.x.end")
        await user.deaf("live.b.*", "facts.>")
    finally:
        await user.connection.close()
