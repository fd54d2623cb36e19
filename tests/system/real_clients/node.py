"""Node scripts of `node/`, run as a reader would run them."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.node import tool
from tests.support.patience import PATIENCE

SCRIPTS = Path(__file__).parent / "node"


async def run(script: str, given: Any) -> Any:
    """The last of what a script says, told `given`."""
    async with running(script, given=given) as said:
        found = [line async for line in said]
    return found[-1]


@asynccontextmanager
async def running(script: str, *arguments: str, given: Any = None) -> AsyncIterator[AsyncIterator[Any]]:
    """The values that a script prints, as they come. It must end well; it is ended with the block."""
    process = await asyncio.create_subprocess_exec(
        tool("node"),
        script,
        *arguments,
        cwd=SCRIPTS,
        env={**os.environ, "NO_PROXY": "*", "NODE_NO_WARNINGS": "1"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=64 * 1024 * 1024,
    )
    assert process.stdin is not None
    assert process.stderr is not None
    complaints = asyncio.create_task(process.stderr.read())
    try:
        process.stdin.write(json.dumps(given).encode())
        process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            yield _said(process, complaints, script)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await complaints


async def _said(process: asyncio.subprocess.Process, complaints: "asyncio.Task[bytes]", script: str) -> Any:
    assert process.stdout is not None
    async for line in process.stdout:
        yield json.loads(line)
    code = await process.wait()
    assert code == 0, f"{script} ended with {code}:\n{(await complaints).decode()}"
