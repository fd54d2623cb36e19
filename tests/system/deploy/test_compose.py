"""docker-compose.yml works: its services, started as it declares them, run a job."""

import re
from pathlib import Path

import httpx

from penstock.patterns.routing.contract import RoutingResult
from tests.support.repository import ROOT
from tests.system.deploy.compose import Compose


async def test_the_compose_file_starts_a_system_that_runs_a_job(tmp_path: Path) -> None:
    """Every service starts in the declared order, becomes healthy, and a job goes through."""
    async with Compose(tmp_path) as compose, httpx.AsyncClient(timeout=30) as client:
        assert set(compose.started) == {
            "nats",
            "streams",
            "simulator",
            "aggregator",
            "classifier",
            "workers",
            "gateway",
        }
        answer = await client.post(f"{compose.url('gateway')}/routing", json={"query": "Where is my order?"})
        RoutingResult.model_validate_json(answer.text)


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
