"""Requests generated from the gateway's own OpenAPI document, sound ones and broken ones (schemathesis)."""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from penstock import Run
from penstock.settings import Settings
from tests.authors import approving
from tests.support.gateway_process import GatewayServer
from tests.support.pipeline import Pipeline

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
OPTIONS = (
    *("--phases", "examples,fuzzing", "--max-examples", "6", "--seed", "1", "--generation-deterministic"),
    *("--checks", CHECKS, "--continue-on-failure", "--no-shrink", "--request-timeout", "20", "--no-color"),
)


async def at_once(run: Run, request: approving.ApprovingRequest) -> approving.ApprovingResult:
    draft = await run.step(approving.PEN, approving.Topic(topic=request.topic), into="/drafts/0")
    return approving.ApprovingResult(drafts=(draft,), approved=True)


#: A pattern whose jobs take signals, and wait for none.
HEARING = replace(approving.PATTERN, run=at_once)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"patterns": (f"{__name__}:HEARING",)})


async def test_no_request_breaks_the_gateway(pipeline: Pipeline, gateway: GatewayServer, tmp_path: Path) -> None:
    """Each answer is one that the document has, in a form that it describes; none is a 500."""
    job = await pipeline.submit("approving", {"topic": "a lantern"})
    await pipeline.result(job)
    config, report = tmp_path / "schemathesis.toml", tmp_path / "report.json"
    known = {"path.job": job, "path.name": "routing", "path.signal": "weight", "path.key": "pen-1"}
    config.write_text("[parameters]\n" + "".join(f"{json.dumps(name)} = {json.dumps(known[name])}\n" for name in known))
    schemathesis = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "--config-file", config),
        *("run", f"{gateway.url}/openapi.json", *OPTIONS, "--report", "json", "--report-json-path", report),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(120):
            said = (await schemathesis.communicate())[0].decode()
    finally:
        if schemathesis.returncode is None:
            schemathesis.kill()
            await schemathesis.wait()
    assert schemathesis.returncode == 0, said
    found = json.loads(report.read_text())
    assert found["operations"]["tested"] == found["operations"]["total"] >= 20
    assert found["test_cases"]["generated"] > 80
    # a letter that one request has purged is not there for the next
    without = [one for one in found["warnings"]["missing_test_data"] if "/dead-letters/" not in one]
    assert not without, "the job endpoints were tried with a real id"
