"""What is deployed beside the services works with them: rules and dashboards, evaluated by a real Prometheus."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import count

import httpx
import pytest
import pytest_asyncio

from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.connection import connect
from penstock.local.stack import Stack
from penstock.settings import Settings
from tests.support.patience import PATIENCE
from tests.support.repository import ROOT
from tests.support.simulator import Steering
from tests.system.metrics.prometheus import Prometheus, watching

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENVIRONMENT = {
    "PENSTOCK_PATTERNS": "tests.system.metrics.failing:PATTERN",
    "PENSTOCK_MODEL_LIMITS": '{"*": {"concurrent": 50}}',
    "PENSTOCK_CACHE": "true",
    "PENSTOCK_ACK_WAIT": "2",
    "PENSTOCK_GRACE": "1",
    "PYTHONPATH": str(ROOT),
}
#: What a machine with too much to do may rightly fire.
OF_A_BUSY_MACHINE = {"PenstockStreamsLate", "PenstockEventLoopSlow"}


class Watched:
    """A running system, and who watches it."""

    def __init__(self, stack: Stack, prometheus: Prometheus) -> None:
        self.stack, self.prometheus = stack, prometheus
        self.http = httpx.AsyncClient(base_url=stack.gateway_urls[0], timeout=PATIENCE, trust_env=False)
        self.gemini = Steering(str(stack.simulator_url))
        self._numbers = count()

    async def route(self) -> None:
        """A job that is streamed to its end, another one each time."""
        query = {"query": f"Where is order {next(self._numbers)}?"}
        await self.http.post("/routing", json=query, headers={"Accept": "text/event-stream"})

    async def fail(self) -> None:
        answer = await self.http.post("/failing", json={}, headers={"Accept": "text/event-stream"})
        assert "pattern_error" in answer.text

    async def alerts(self) -> dict[str, list[dict[str, str]]]:
        """All that fire but what is the machine's."""
        firing = await self.prometheus.firing()
        return {name: labels for name, labels in firing.items() if name not in OF_A_BUSY_MACHINE}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def watched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    async with (
        Stack(data=folder / "data", port=0, pace="off", env=ENVIRONMENT) as stack,
        watching(folder, folder / "data" / "prometheus.json") as prometheus,
    ):
        watched = Watched(stack, prometheus)
        async with watched.http, watched.gemini:
            yield watched


async def test_each_panel_has_data_and_each_rule_is_evaluated(watched: Watched) -> None:
    """While a job after the other is done; one call broke off, one job failed. Nothing of it is an alert."""
    await watched.gemini.rule(step="respond", times=1, fault={"breakAfterChunks": 2})
    await watched.fail()
    lacking = {
        query["expr"].replace("$__rate_interval", "30s"): f"{file.stem}: {panel['title']}"
        for file in (ROOT / "deploy" / "grafana").glob("*.json")
        for panel in json.loads(file.read_text())["panels"]
        for query in panel["targets"]
    }
    assert len(lacking) > 30
    try:
        async with asyncio.timeout(PATIENCE):
            while lacking:
                await watched.route()
                for query in list(lacking):
                    if await watched.prometheus.values(query):
                        del lacking[query]
    except TimeoutError:
        pytest.fail(f"these have no data: {lacking}")
    rules = await watched.prometheus.rules()
    assert len(rules) > 15
    assert {rule["name"]: rule.get("lastError") for rule in rules if rule["health"] != "ok"} == {}
    assert await watched.alerts() == {}


async def test_what_goes_wrong_fires_its_alert_and_no_other(watched: Watched) -> None:
    """Workers are killed and stay away while a job waits, a pattern fails, a message has an id that none may have."""
    (workers,) = (process for process in watched.stack.processes if process.name == "workers-1")
    await workers.unsupervise()
    workers.kill()
    bus = await connect(Settings(nats_url=watched.stack.nats_url), "test")
    await bus.append(subjects.job("routing", JobName("default", "not=one")), b"{}")
    await bus.append(subjects.job("routing", JobName("default", "waiting")), b'{"query": "Is anybody there?"}')
    await bus.connection.close()
    expected = {"PenstockTargetDown", "PenstockNobodyServes", "PenstockJobsFail", "PenstockDeadLetters"}
    firing: dict[str, list[dict[str, str]]] = {}
    try:
        async with asyncio.timeout(PATIENCE):
            while not expected <= firing.keys():
                await watched.fail()
                firing = await watched.alerts()
    except TimeoutError:
        pytest.fail(f"only these fire: {firing}")
    assert firing.keys() == expected
    (down,), (unserved,), (failing,) = (
        firing[f"Penstock{name}"] for name in ("TargetDown", "NobodyServes", "JobsFail")
    )
    assert (down["job"], down["instance"]) == ("workers", "workers-1")
    assert (unserved["service"], unserved["pattern"], unserved["step"]) == ("workers", "routing", "respond")
    assert failing["pattern"] == "failing"
