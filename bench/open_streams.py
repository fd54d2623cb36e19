"""One gateway with many open streams: is anything lost, and how many pieces a second does it write in time?"""

import asyncio
import math
from collections.abc import Sequence

import aiohttp
from pydantic import BaseModel

from bench import ages
from bench.candidates import Candidate
from bench.fan import job
from bench.processes import rss

#: A piece that is older when it comes is late.
LATE_MS = 100


class OpenStreams(BaseModel):
    """`steps`: the ages at growing rates, up to the first at which pieces were late, or the highest that was tried."""

    streams: int
    jobs: int
    lost: int
    kilobytes_a_stream: float
    steps: list[ages.Ages]

    @property
    def most(self) -> float:
        """Pieces a second that came in time."""
        return max((one.rate for one in self.steps if one.p99 <= LATE_MS), default=0)


async def open_streams(
    candidate: Candidate, model_url: str, *, jobs: int, streams: int, rates: Sequence[int], seconds: float
) -> OpenStreams:
    """`streams` readers of `jobs` running jobs, which the clock model writes at each of `rates` for some seconds."""
    assert candidate.stack is not None
    gateway = next(one for one in candidate.processes if one.name.startswith("gateway"))
    async with aiohttp.ClientSession() as http:
        ids = [await _submitted(http, candidate.url) for _ in range(jobs)]
        before, readers = rss(gateway), []
        for number in range(streams):
            path = f"/jobs/{ids[number % jobs]}/events"
            readers.append(await ages.reading(candidate.url, "GET", path, candidate.end))
        await asyncio.gather(*(reader.open for reader in readers))
        held = rss(gateway) - before
        steps = []
        for rate in rates:
            every = math.ceil(1000 * streams / rate)
            for reader in readers:
                reader.ages.clear()
            await _post(http, f"{model_url}/pace?every={every}")
            await asyncio.sleep(seconds)
            found = [age for reader in readers for age in reader.ages]
            steps.append(ages.of(candidate.name, streams, streams * 1000 / every, found, 0))
            if steps[-1].p99 > LATE_MS:
                break
        await _post(http, f"{model_url}/end")
        await asyncio.gather(*(reader.ended for reader in readers))
        # what a job's result has is what counts: an attempt may have been given up for another
        written = [await _times(http, f"{candidate.url}/jobs/{one}") for one in ids]
    lost = sum(len(written[number % jobs] - reader.times) for number, reader in enumerate(readers))
    return OpenStreams(streams=streams, jobs=jobs, lost=lost, kilobytes_a_stream=held * 1024 / streams, steps=steps)


async def _submitted(http: aiohttp.ClientSession, url: str) -> str:
    path, body = job("until the end")
    headers = {"Content-Type": "application/json", "Prefer": "respond-async"}
    async with http.post(f"{url}/{path}", data=body, headers=headers) as answer:
        answer.raise_for_status()
        found: str = (await answer.json())["id"]
        return found


async def _times(http: aiohttp.ClientSession, url: str) -> set[bytes]:
    """Those in the result of a job."""
    async with http.get(url) as answer:
        answer.raise_for_status()
        found = set(ages.TIME.findall(await answer.read()))
    if not found:
        raise RuntimeError(f"{url} has no result")
    return found


async def _post(http: aiohttp.ClientSession, url: str) -> None:
    async with http.post(url) as answer:
        answer.raise_for_status()
