"""A service ends on SIGTERM at any moment of its life, whether or not NATS is there."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from penstock.hosting.ports import free_port
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.settings import Settings
from tests.support.patience import PATIENCE
from tests.support.servers import NatsServer

SERVICES = ("gateway", "aggregator", "classifier", "workers")
#: What a service logs first, and what it logs while NATS is away.
BEGUN, UNREACHABLE = b"PENSTOCK_XYZZY", b"NATS client: "


@asynccontextmanager
async def serving(service: str, nats_url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    own = {"NATS_URL": nats_url, "PORT": "0", "GRACE": "2", "MODEL_BASE_URL": "http://127.0.0.1:9", "XYZZY": ""}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "penstock", "serve", service),
        env={**os.environ, "GEMINI_API_KEY": "x", **{f"PENSTOCK_{name}": value for name, value in own.items()}},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until(stream: asyncio.StreamReader | None, text: bytes) -> None:
    assert stream is not None
    async with asyncio.timeout(PATIENCE):
        while line := await stream.readline():
            if text in line:
                return
    raise AssertionError(f"it ended without {text!r}")


async def terminate(process: asyncio.subprocess.Process) -> bytes:
    """It ends with status 0. What it logged meanwhile."""
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE):
        _, log = await process.communicate()
    assert process.returncode == 0, log
    return log


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_that_is_not_yet_built_ends(service: str) -> None:
    async with serving(service, f"nats://127.0.0.1:{free_port()}") as process:
        await until(process.stderr, BEGUN)
        assert b"Traceback" not in await terminate(process)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_that_waits_for_nats_at_its_start_ends(service: str) -> None:
    async with serving(service, f"nats://127.0.0.1:{free_port()}") as process:
        await until(process.stderr, UNREACHABLE)
        assert b"Traceback" not in await terminate(process)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_whose_nats_has_gone_ends(service: str, nats: NatsServer) -> None:
    settings = Settings(nats_url=nats.url)
    bus = await connect(settings, "test")
    await declare(bus.jetstream, settings)
    await bus.connection.close()
    async with serving(service, nats.url) as process:
        await until(process.stdout, b" ready ")
        await nats.kill()
        await until(process.stderr, UNREACHABLE)
        await terminate(process)
