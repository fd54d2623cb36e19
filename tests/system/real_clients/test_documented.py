"""The blocks of docs/clients.md, run as they stand; only the gateway's address is another."""

import asyncio
import re
import sys

import pytest

from tests.support.gateway_process import GatewayServer
from tests.support.patience import PATIENCE
from tests.support.repository import ROOT
from tests.system.real_clients.node import SCRIPTS

pytestmark = pytest.mark.usefixtures("npm")

_PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^## (.*?)$|^```(sh|python|js)\n(.*?)^```$", _PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = {
    "sh": ("bash", "-euo", "pipefail", "-c"),
    "python": (sys.executable, "-W", "error", "-c"),
    "js": ("node", "--import", "./browser.mjs", "--input-type=module", "--eval"),
}


def runnable() -> list[object]:
    """Language and text of each block, called by its section."""
    found: list[object] = []
    section = ""
    for heading, language, text in BLOCKS:
        section = heading or section
        if language:
            found.append(pytest.param(language, text, id=f"{section}-{len(found)}"))
    return found


@pytest.mark.parametrize(("language", "text"), runnable())
async def test_a_block_does_what_the_page_says(gateway: GatewayServer, language: str, text: str) -> None:
    """It ends well, and shows the result or the events up to the end."""
    text = text.replace("http://127.0.0.1:8080", gateway.url)
    process = await asyncio.create_subprocess_exec(
        *COMMANDS[language],
        text,
        cwd=SCRIPTS,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complaints.decode()
    assert "classification" in out.decode() or "job.completed" in out.decode(), out.decode()
