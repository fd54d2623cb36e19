"""The examples for NATS callers, run as they stand."""

import asyncio
import json
import os
import sys

import pytest

from tests.support.node import install, tool
from tests.support.patience import PATIENCE
from tests.support.pipeline import Pipeline
from tests.support.repository import ROOT

EXAMPLES = ROOT / "examples"
QUERY = "Our API answers 502 since the deploy"


@pytest.fixture(scope="session")
def node() -> str:
    """Node, with the example's packages beside it."""
    install(EXAMPLES / "nats_node")
    return tool("node")


async def run(pipeline: Pipeline, *command: str) -> tuple[int, str]:
    """The exit status of an example, and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "NATS_URL": pipeline.settings.nats_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, output.decode()


def check(status: int, output: str) -> None:
    """The deltas, put together by their place, are what the result says there."""
    assert status == 0, output
    lines, _, rest = output.partition("\n{\n")
    result = json.loads("{\n" + rest)
    grown: dict[tuple[str, str], str] = {}
    for line in lines.splitlines():
        step, place, piece = line.split(" ", 2)
        if piece == "<anew>":
            grown = {by: text for by, text in grown.items() if by[0] != step or not by[1].startswith(place)}
        else:
            grown[step, place] = grown.get((step, place), "") + piece
    texts = {place: text for (_, place), text in grown.items()}
    assert json.loads(texts["/response"]) == result["response"]
    assert json.loads(texts["/classification"]) == result["classification"]


async def test_the_python_example(pipeline: Pipeline) -> None:
    check(*await run(pipeline, sys.executable, str(EXAMPLES / "nats_python" / "submit.py"), QUERY))


async def test_the_node_example(pipeline: Pipeline, node: str) -> None:
    check(*await run(pipeline, node, str(EXAMPLES / "nats_node" / "submit.mjs"), QUERY))


async def test_both_examples_survive_a_retry(pipeline: Pipeline, node: str) -> None:
    """A model call that breaks off half-way: what the next attempt says counts, and only that."""
    commands = ((sys.executable, "nats_python/submit.py"), (node, "nats_node/submit.mjs"))
    for command, example in commands:
        await pipeline.gemini.clear()
        await pipeline.gemini.rule(step="respond", times=1, fault={"breakAfterChunks": 3})
        status, output = await run(pipeline, command, str(EXAMPLES / example), QUERY)
        check(status, output)
        assert "<anew>" in output


@pytest.mark.parametrize("name", ["nats_python/submit.py", "nats_node/submit.mjs"])
def test_an_example_is_short_and_needs_no_penstock(name: str) -> None:
    """Fewer than thirty lines of code, on the plain client."""
    text = (EXAMPLES / name).read_text()
    code = [line for line in text.splitlines() if line.strip() and not line.startswith(("import", '"""', "//"))]
    assert len(code) < 30
    assert "import penstock" not in text
    assert "from penstock" not in text


def test_the_lock_file_names_no_registry() -> None:
    """Whoever installs uses the registry of their own configuration."""
    assert "resolved" not in (EXAMPLES / "nats_node" / "package-lock.json").read_text()
