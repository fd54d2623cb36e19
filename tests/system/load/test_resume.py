"""Many jobs, each read across two gateways by a reader that is cut off again and again.

`PENSTOCK_LOAD_JOBS=300` has as many as the design asks for; `python bench/resume.py` prints figures for them.
"""

import asyncio
import os
from random import Random

import pytest

from penstock.settings import Settings
from penstock.simulator.wire import Pace, Reply
from tests.support.pipeline import Pipeline
from tests.support.replica import Replica
from tests.system.load.reader import Reader, check

JOBS = int(os.environ.get("PENSTOCK_LOAD_JOBS", "60"))
CUTS = 4
REPLY = Reply(merge={"response": "Look at the pool of connections first. " * 12}, pace=Pace(tokens_per_second=50))


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """All jobs stream at once."""
    return settings.model_copy(update={"slots": JOBS, "runs": JOBS})


@pytest.mark.long
async def test_no_stream_is_wrong_however_often_its_reader_is_cut(pipeline: Pipeline) -> None:
    """Each reader receives each event of its job once and in order, whichever gateway it comes back to."""
    await pipeline.gemini.rule(step="respond", reply=REPLY)
    gateways = Replica(), Replica()
    try:
        await asyncio.gather(*(gateway.start(pipeline.settings) for gateway in gateways))
        ports = [gateway.port for gateway in gateways]
        bodies = [{"query": f"Error {number} since the deploy"} for number in range(JOBS)]
        jobs = await asyncio.gather(*(pipeline.submit("routing", body) for body in bodies))
        readers = [Reader(job, ports, Random(number), CUTS) for number, job in enumerate(jobs)]
        async with asyncio.timeout(120):
            await asyncio.gather(*(reader.read() for reader in readers))
    finally:
        await asyncio.gather(*(gateway.end() for gateway in gateways))
    for reader in readers:
        await check(pipeline.bus, reader)
        assert reader.received[-1].type == "job.completed"
    assert sum(reader.connections for reader in readers) > 3 * JOBS, "that was too quiet"
