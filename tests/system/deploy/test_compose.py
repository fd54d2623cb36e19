"""docker-compose.yml works: its services, started as it declares them, run a job."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from penstock.patterns.routing.contract import RoutingResult
from penstock.settings import Settings
from tests.support.repository import ROOT
from tests.support.simulator import Steering
from tests.system.deploy.compose import Compose
from tests.system.deploy.google import Google, google

KEY = "AIzaSyNotARealKey"
SERVICES = ("aggregator", "classifier", "workers", "gateway")


@asynccontextmanager
async def composed(folder: Path, **variables: str) -> AsyncIterator[tuple[Compose, Google, Steering]]:
    """The system as it is started with these variables, after a job; and whom it may have asked."""
    async with google(folder) as seen, Compose(folder, variables, seen.environment) as compose:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            answer = await client.post(f"{compose.url('gateway')}/routing", json={"query": "Where is my order?"})
        RoutingResult.model_validate_json(answer.text)
        async with Steering(compose.url("simulator")) as simulator:
            yield compose, seen, simulator


@pytest.mark.parametrize(
    "given",
    [
        {"PENSTOCK_NATS_TOKEN": "0123"},
        pytest.param({"GEMINI_API_KEY": "", "PENSTOCK_MODEL_BASE_URL": ""}, marks=pytest.mark.long),
    ],
)
async def test_without_a_key_the_simulator_answers(tmp_path: Path, given: dict[str, str]) -> None:
    """Every service starts in the declared order, becomes healthy, and a job goes through; Google is not asked.

    NATS has its token from the environment, and serves nobody without it.
    """
    async with composed(tmp_path, **given) as (compose, seen, simulator):
        assert set(compose.started) == {*SERVICES, "nats", "streams", "simulator"}
        assert (await simulator.stats()).calls == 2
        assert seen.keys == []
        reader, writer = await asyncio.open_connection("127.0.0.1", int(compose.url("nats").rpartition(":")[2]))
        writer.write(b"CONNECT {}\r\n")
        assert b"Authorization Violation" in await reader.read()
        writer.close()


@pytest.mark.parametrize("variable", [pytest.param("GEMINI_API_KEY", marks=pytest.mark.long), "GEMINI_API_KEY_FILE"])
async def test_with_a_key_gemini_answers(tmp_path: Path, variable: str) -> None:
    """It is sent to Google's host over TLS only; the simulator is not asked. Only who asks the model has the key."""
    file = tmp_path / "key"
    file.write_text(KEY)
    value = str(file) if variable.endswith("_FILE") else KEY
    async with composed(tmp_path, **{variable: value}) as (compose, seen, simulator):
        assert seen.keys == [KEY, KEY]
        assert (await simulator.stats()).calls == 0
        having = {name for name in (*SERVICES, "nats", "simulator") if value in compose.given(name).values()}
        assert having == {"classifier", "workers"}


def test_each_container_is_confined() -> None:
    """Nothing of the host, no rights, bounds on memory and processes; NATS on a network without a way out."""
    compose = Compose(ROOT)
    for name, service in compose.services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name
        assert service["pids_limit"] > Settings().webhook_slots + 64, name  # each of which may take a thread
    published = {name: service["ports"] for name, service in compose.services.items() if "ports" in service}
    assert published == {"gateway": ["127.0.0.1:8080:8080"]}
    assert compose.services["gateway"]["environment"]["PENSTOCK_PUBLISH"] == "127.0.0.1"  # so it needs no key
    public = Compose(ROOT, {"PENSTOCK_PUBLISH": "0.0.0.0"}).services["gateway"]
    assert (public["ports"], public["environment"]["PENSTOCK_PUBLISH"]) == (["0.0.0.0:8080:8080"], "0.0.0.0")
    assert public["environment"]["PENSTOCK_OPEN"] == ""
    served = compose.services["gateway"]["environment"]["PENSTOCK_ALLOWED_HOSTS"]
    assert served == "localhost,127.0.0.1,gateway"  # what is published on loopback has no other site's name
    assert compose.services["nats"]["networks"] == ["nats"]
    assert "nats" not in compose.services["simulator"]["networks"]


def test_the_image_holds_what_the_commands_need() -> None:
    """Every module that a compose command runs is in a package that the Dockerfile copies."""
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    compose = Compose(ROOT)
    modules = {service["command"][2] for service in compose.services.values() if "-m" in service["command"]}
    for module in modules:
        package = module.partition(".")[0]
        assert f"COPY {package} {package}" in dockerfile
        assert (ROOT / module.replace(".", "/") / "__main__.py").exists()


def test_what_the_image_copies_is_sent_to_its_build() -> None:
    """.dockerignore lets through what the Dockerfile copies from here, and nothing else."""
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    copied = [path for line in re.findall(r"^COPY (?!--)(.*) \S+$", dockerfile, re.MULTILINE) for path in line.split()]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert [line[1:] for line in ignored if line.startswith("!")] == copied
    assert all((ROOT / path).exists() for path in copied)
