"""Callers over HTTP: so many at once, each with one job after the other, read to its end."""

import asyncio
import itertools
import math
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp
from pydantic import BaseModel

from bench import processes
from bench.candidates import Candidate
from penstock.patterns import PATTERNS

#: The path and the body of a job.
Job = tuple[str, bytes]
MIX: Sequence[Job] = [(one.name, one.example.model_dump_json(by_alias=True).encode()) for one in PATTERNS]


@dataclass
class Times:
    """Seconds, of each job that ended well; and how many did not."""

    first: list[float] = field(default_factory=list)
    total: list[float] = field(default_factory=list)
    failed: int = 0


class Load(BaseModel):
    """What came of some jobs: seconds, and milliseconds of CPU a job by kind of process."""

    candidate: str
    at_once: int
    jobs: int
    failed: int
    rate: float
    p50: float
    p99: float
    first_p50: float
    first_p99: float
    cpu: dict[str, float]

    @property
    def all_cpu(self) -> float:
        return sum(self.cpu.values())


async def load(
    candidate: Candidate,
    at_once: int,
    jobs: Sequence[Job] = MIX,
    *,
    count: int | None = None,
    seconds: float = math.inf,
) -> Load:
    """Of `jobs` in turn, `at_once` of them at a time, `count` or as many as begin within so many seconds."""
    times = Times()
    before, began = processes.cpu(candidate.processes), time.perf_counter()
    given = itertools.islice(itertools.cycle(jobs), count)
    todo = itertools.takewhile(lambda _: time.perf_counter() < began + seconds, given)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(candidate.url, connector=connector, timeout=aiohttp.ClientTimeout(600)) as http:

        async def caller() -> None:
            for path, body in todo:
                await _run(http, candidate, path, body, times)

        await asyncio.gather(*(caller() for _ in range(at_once)))
    took, spent = time.perf_counter() - began, processes.cpu(candidate.processes)
    spent.subtract(before)
    count = len(times.total) + times.failed
    return Load(
        candidate=candidate.name,
        at_once=at_once,
        jobs=count,
        failed=times.failed,
        rate=len(times.total) / took,
        p50=quantile(times.total, 0.5),
        p99=quantile(times.total, 0.99),
        first_p50=quantile(times.first, 0.5),
        first_p99=quantile(times.first, 0.99),
        cpu={kind: ms / count for kind, ms in spent.items()},
    )


def quantile(values: Sequence[float], share: float) -> float:
    """That of the values, interpolated; nan of none."""
    if len(values) < 2:
        return next(iter(values), float("nan"))
    return statistics.quantiles(values, n=1000, method="inclusive")[round(share * 1000) - 1]


def median(loads: Sequence[Load]) -> Load:
    """Each figure's median, of the same load several times."""
    numbers = [name for name, field in Load.model_fields.items() if field.annotation is float]
    cpu: Counter[str] = Counter({kind: 0 for one in loads for kind in one.cpu})
    return loads[0].model_copy(
        update={
            **{name: statistics.median(getattr(one, name) for one in loads) for name in numbers},
            "failed": sum(one.failed for one in loads),
            "cpu": {kind: statistics.median(one.cpu.get(kind, 0.0) for one in loads) for kind in cpu},
        }
    )


async def _run(http: aiohttp.ClientSession, candidate: Candidate, path: str, body: bytes, times: Times) -> None:
    began, first, tail = time.perf_counter(), None, b""
    ended = False
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    try:
        async with http.post(f"/{path}", data=body, headers=headers) as answer:
            answer.raise_for_status()
            async for chunk in answer.content.iter_any():
                tail += chunk
                if first is None and candidate.text in tail:
                    first = time.perf_counter() - began
                ended = ended or candidate.end in tail
                tail = tail[-len(candidate.end) :]
    except aiohttp.ClientError:
        ended = False
    if ended:
        times.total.append(time.perf_counter() - began)
        times.first.append(times.total[-1] if first is None else first)
    else:
        times.failed += 1
