"""deploy/nginx.conf and deploy/Caddyfile carried out: the real programs, in front of gateways of this machine.

Only where the proxy listens, where the gateways are and where it keeps files are changed.
"""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from penstock.hosting.ports import free_port
from tests.support.patience import PATIENCE
from tests.support.repository import ROOT


@asynccontextmanager
async def in_front_of(name: str, gateways: Sequence[int], folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """`name`: nginx or caddy; `gateways`: their ports. A client of the proxy."""
    program = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if program is None:
        pytest.fail(f"{name} is not there: apt-get install --no-install-recommends {name} (Debian, Ubuntu)")
    port = free_port()
    command = [program, *(_nginx if name == "nginx" else _caddy)(gateways, port, folder)]
    with (folder / f"{name}.log").open("wb") as log:
        running = await asyncio.create_subprocess_exec(*command, env={"HOME": str(folder)}, stdout=log, stderr=log)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False) as client:
            async with asyncio.timeout(PATIENCE):
                while not await _serves(client):
                    assert running.returncode is None, (folder / f"{name}.log").read_text()
                    await asyncio.sleep(0.05)
            yield client
    finally:
        if running.returncode is None:
            running.terminate()
            await running.wait()


def _nginx(gateways: Sequence[int], port: int, folder: Path) -> list[str]:
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    servers = " ".join(rf"server 127.0.0.1:{gateway}\1;" for gateway in gateways)
    text, changed = re.subn(r"server gateway:8080([^;]*);", servers, text)
    assert changed == 1
    file = folder / "nginx.conf"
    file.write_text(text.replace("listen 8080;", f"listen 127.0.0.1:{port};").replace("/tmp/", f"{folder}/"))
    # as root it would work as another user, who may not enter the test's folder
    user = " user root;" if os.geteuid() == 0 else ""
    return ["-c", str(file), "-g", f"daemon off;{user}"]


def _caddy(gateways: Sequence[int], port: int, folder: Path) -> list[str]:
    text = (ROOT / "deploy" / "Caddyfile").read_text()
    upstreams = "to " + " ".join(f"127.0.0.1:{gateway}" for gateway in gateways)
    text, changed = re.subn(r"dynamic a \{.*?\}", upstreams, text, flags=re.DOTALL)
    assert changed == 1
    file = folder / "Caddyfile"
    file.write_text(text.replace("\n:8080 {", f"\nhttp://127.0.0.1:{port} {{"))
    return ["run", "--adapter", "caddyfile", "--config", str(file)]


async def _serves(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False
