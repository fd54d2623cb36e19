"""Cold starts, and the memory of processes that have nothing to do."""

import asyncio
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from pydantic import BaseModel

from bench.candidates import WITHOUT_KEYS, Candidate
from bench.processes import kind, rss


class Starting(BaseModel):
    """Seconds until ready, medians; resident megabytes by kind of process."""

    up: float
    worker: float
    idle: dict[str, float]


async def starting(candidate: Candidate, idle: Mapping[str, float], rounds: int) -> Starting:
    assert candidate.stack is not None
    up, worker = [], []
    env = {**candidate.stack.env, "PENSTOCK_NATS_URL": candidate.stack.nats_url}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as data:
            options = ("--port", "0", "--nats-port", "0", "--data", data)
            up.append(await _until(b"gateway ready", ("up", *options), {}))
        worker.append(await _until(b"workers ready", ("serve", "workers"), env))
    return Starting(up=statistics.median(up), worker=statistics.median(worker), idle=dict(idle))


def idle(candidate: Candidate) -> dict[str, float]:
    """Resident megabytes now."""
    return {kind(process): rss(process) for process in candidate.processes}


async def _until(line: bytes, command: Sequence[str], env: Mapping[str, str]) -> float:
    """Seconds from the start of a `penstock` command until it writes that line. Ends it."""
    began = time.perf_counter()
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "penstock",
        *command,
        env={**os.environ, **WITHOUT_KEYS, **env, "PENSTOCK_PORT": "0"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert running.stdout is not None
    try:
        async for written in running.stdout:
            if line in written:
                return time.perf_counter() - began
        raise RuntimeError(f"penstock {' '.join(command)} ended and was never ready")
    finally:
        with suppress(ProcessLookupError):
            running.send_signal(signal.SIGTERM)
        await running.communicate()
