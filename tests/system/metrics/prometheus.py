"""A real Prometheus that watches a running system, and looks every second."""

import asyncio
import math
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from penstock.hosting import ports
from tests.support.patience import PATIENCE
from tests.support.repository import ROOT

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
_MISSING = "prometheus is not on the PATH: apt-get install --no-install-recommends prometheus (Debian, Ubuntu)"
_CONFIGURATION = """\
global: {{ scrape_interval: 1s, evaluation_interval: 1s }}
rule_files: [{rules}]
scrape_configs:
  - job_name: up
    file_sd_configs: [{{ files: [{targets}], refresh_interval: 1s }}]
"""


class Prometheus:
    """Asked over HTTP."""

    def __init__(self, url: str) -> None:
        self.http = httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False)

    async def values(self, query: str) -> list[float]:
        """What it finds now, numbers only. Raises AssertionError where it does not understand."""
        answer = (await self.http.post("/api/v1/query", data={"query": query})).json()
        assert answer["status"] == "success", f"{query}: {answer}"
        found = (float(series["value"][1]) for series in answer["data"]["result"])
        return [value for value in found if math.isfinite(value)]

    async def rules(self) -> list[dict[str, Any]]:
        answer = (await self.http.get("/api/v1/rules")).json()
        return [rule for group in answer["data"]["groups"] for rule in group["rules"]]

    async def firing(self) -> dict[str, list[dict[str, str]]]:
        """The labels of each that fires, by the alert's name."""
        rules = await self.rules()
        fired = {
            one["name"]: [alert["labels"] for alert in one["alerts"] if alert["state"] == "firing"] for one in rules
        }
        return {name: labels for name, labels in fired.items() if labels}


@asynccontextmanager
async def watching(folder: Path, targets: Path) -> AsyncIterator[Prometheus]:
    """With the rules of `deploy/`, whose `for` is as many seconds as it has minutes."""
    if (command := shutil.which("prometheus")) is None:
        pytest.fail(_MISSING)
    rules, configuration = folder / "alerts.yml", folder / "prometheus.yml"
    rules.write_text(re.sub(r"for: (\d+)m", r"for: \1s", ALERTS.read_text()))
    configuration.write_text(_CONFIGURATION.format(rules=rules, targets=targets))
    address = f"127.0.0.1:{ports.free_port()}"
    with (folder / "prometheus.log").open("wb") as log:
        running = await asyncio.create_subprocess_exec(
            command,
            f"--config.file={configuration}",
            f"--storage.tsdb.path={folder / 'store'}",
            f"--web.listen-address={address}",
            stdout=log,
            stderr=log,
        )
    try:
        prometheus = Prometheus(f"http://{address}")
        async with prometheus.http, asyncio.timeout(PATIENCE):
            while not await _is_ready(prometheus.http):
                assert running.returncode is None, (folder / "prometheus.log").read_text()
                await asyncio.sleep(0.05)
            yield prometheus
    finally:
        running.terminate()
        await running.wait()


async def _is_ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/-/ready")).is_success
    except httpx.TransportError:
        return False
