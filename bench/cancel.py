"""How long a model call lives on after its job was cancelled.

    python bench/cancel.py [--jobs 50]

A whole stack of processes; the time is that from sending DELETE to the moment at which the simulator sees the
connection of the call close (both by this machine's clock).
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import httpx

from penstock.local.stack import Stack
from penstock.simulator.wire import Reply
from tests.support.simulator import Steering


async def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            Stack(data=Path(folder), port=0, pace="off") as stack,
            Steering(str(stack.simulator_url)) as gemini,
            httpx.AsyncClient(base_url=stack.gateway_urls[0], trust_env=False) as http,
        ):
            await gemini.rule(step="respond", reply=Reply(hold="never"))
            closed = [await cancelled(http, gemini, number) for number in range(count)]
    print(f"{count} cancels: p50 {statistics.median(closed) * 1000:.0f} ms, max {max(closed) * 1000:.0f} ms")


async def cancelled(http: httpx.AsyncClient, gemini: Steering, number: int) -> float:
    """Seconds from DELETE to the end of the job's running call."""
    accepted = await http.post("/routing", json={"query": f"Error {number}"}, headers={"Prefer": "respond-async"})
    job = accepted.json()["id"]
    await gemini.wait(job=job, held="never")
    sent = time.time()
    (await http.delete(f"/jobs/{job}")).raise_for_status()
    (call,) = await gemini.wait(job=job, step="respond", status="disconnected")
    assert call.ended_at is not None
    return call.ended_at - sent


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=50)
    asyncio.run(main(parser.parse_args().jobs))
