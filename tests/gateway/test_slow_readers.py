"""Many readers that do not read: what waits for all of them together is bounded."""

import asyncio
import re
import socket
from pathlib import Path

import httpx
from httpx_sse import aconnect_sse

from penstock import jobs
from penstock.contracts.events import Delta, JobAccepted, JobCompleted, PartStart, StepStarted
from penstock.contracts.usage import Usage
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.local.process import Process
from penstock.local.stack import PENSTOCK
from penstock.settings import Settings
from tests.support.naming import named

#: 4 MB for each reader.
PIECE, COUNT = "x" * 20_000, 200
READERS = 50


async def test_fifty_stalled_readers_share_one_buffer(tmp_path: Path, bus: Bus, settings: Settings) -> None:
    """Each of them would fill it alone. Another one has everything meanwhile."""
    job = jobs.new_job_id()
    gateway = Process(
        "gateway",
        [*PENSTOCK, "serve", "gateway"],
        env={"PENSTOCK_NATS_URL": settings.nats_url, "PENSTOCK_PORT": "0", "PENSTOCK_STREAM_BUFFER": "3000000"},
        log_file=tmp_path / "gateway.log",
    )
    await gateway.start()
    stalled: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    try:
        await jobs.submit(bus, "sequential-processing", named(job), b"{}")
        url = httpx.URL(gateway.url or "")
        for _ in range(READERS):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect((url.host, url.port))
            reader, writer = await asyncio.open_connection(sock=client, limit=1024)
            writer.write(f"GET /jobs/{job}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert b" 200 " in await reader.readline()
            stalled.append((reader, writer))
        before = memory(gateway)
        async with (
            httpx.AsyncClient(base_url=url, timeout=60) as http,
            aconnect_sse(http, "GET", f"/jobs/{job}/events") as source,  # answered before there is much to do
        ):
            source.response.raise_for_status()
            writing = asyncio.create_task(written(bus, job))
            assert len([event async for event in source.aiter_sse()]) == COUNT + 4
            await writing
        assert memory(gateway) - before < 80_000_000
    finally:
        for _, writer in stalled:
            writer.transport.abort()
        await gateway.stop(grace=10)


async def written(bus: Bus, job: str) -> None:
    at = {"k": "draft-1", "a": 1}
    for event in (
        JobAccepted(id="accepted", job=job, pattern="sequential-processing", deadline=1),
        StepStarted(step="draft", service="x", n=0, **at),
        PartStart(p="/originalContent", n=1, **at),
        *(Delta(p="/originalContent", t=PIECE, n=n + 2, **at) for n in range(COUNT)),
        JobCompleted(id="end", result={"done": True}, usage=Usage()),
    ):
        await bus.append(subjects.events(named(job)), event.model_dump_json().encode())


def memory(process: Process) -> int:
    """Bytes that it has had at most so far."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024
