"""All services as processes, watched while they are fuzzed: logs, memory, health, and that none of them dies."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from penstock.cancelling import stop
from penstock.contracts.error_codes import FAILURES
from penstock.contracts.events import Event, JobCancelled, JobCompleted, JobFailed
from penstock.contracts.job import Snapshot
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jobs import new_job_id
from penstock.jobs.follow import Follower
from penstock.local.stack import Stack
from penstock.patterns.loading import load
from penstock.settings import Settings
from tests.faults.fault_harness import checked
from tests.fuzz.model_between import ModelBetween
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.simulator import serving

T = TypeVar("T")

PATTERNS = load()
#: Codes that a job may fail with, whatever is asked and answered: the others name a fault of ours.
FAIR = FAILURES.keys() - {"pattern_error", "step_error", "replay_mismatch", "poisoned", "tool_unavailable"}
#: Parts of log lines that are no findings although they have an exception or are errors, each with its reason.
EXPECTED: dict[str, str] = {}
#: Seconds that are short, since every connection that says nothing is waited for.
ENV = {
    "PENSTOCK_HEADER_TIMEOUT": "1",
    "PENSTOCK_BODY_TIMEOUT": "1",
    "PENSTOCK_IDLE_TIMEOUT": "0.5",
    "PENSTOCK_WRITE_TIMEOUT": "5",
    "PENSTOCK_MODEL_FIRST_TOKEN_TIMEOUT": "1",
    "PENSTOCK_MODEL_IDLE_TIMEOUT": "0.5",
    "PENSTOCK_MODEL_TIMEOUT": "10",
    "PENSTOCK_MODEL_RETRY_DELAY": "0.01",
    "PENSTOCK_DEADLINE": "60",
    "PENSTOCK_HANDOVER": "1",
}
#: MB by which a service may grow (NATS keeps what it stores in memory for a while).
GROWTH = 400.0


class FuzzedSystem:
    """`findings` are sentences; a test that has any fails. `counts` is what was done, for the report."""

    def __init__(self, stack: Stack, bus: Bus, model: ModelBetween) -> None:
        self.stack, self.bus, self.model = stack, bus, model
        self.loop = asyncio.get_running_loop()
        self.findings: list[str] = []
        self.counts = Counter[str]()
        self._pids = {process.name: process.pid for process in stack.processes}
        self._peaks = {name: peak(pid) for name, pid in self._pids.items() if pid}
        self._read: dict[Path, int] = {}
        self.slowest = 0.0

    def wait(self, doing: Coroutine[Any, Any, T]) -> T:
        """Have something done in the system's loop, from the thread of a test."""
        return asyncio.run_coroutine_threadsafe(doing, self.loop).result()

    async def submit(self, pattern: str, body: bytes) -> str:
        job = new_job_id()
        await self.bus.once(subjects.job(pattern, named(job)), body)
        return job

    async def ends_once(self, pattern: str, job: str) -> str:
        """How the job ended, once it has. What its events showed must be its result, or its failure a fair one."""
        events: list[Event] = []
        async with asyncio.timeout(2 * PATIENCE), Follower(self.bus, named(job)) as follower:
            async for batch in follower:
                events += [one.event for one in batch if not isinstance(one.event, Snapshot)]
        *before, end = events
        assert not any(isinstance(event, JobCompleted | JobFailed | JobCancelled) for event in before)
        if isinstance(end, JobCompleted):
            checked(events, pattern)
            return "completed"
        assert isinstance(end, JobFailed), end
        assert end.problem.code in FAIR, end.problem
        return end.problem.code

    async def works(self) -> None:
        """Every pattern still answers its example, by the simulator's own replies."""
        for name, pattern in PATTERNS.items():
            job = await self.submit(name, pattern.example.model_dump_json(by_alias=True).encode())
            assert await self.ends_once(name, job) == "completed", name

    def inspect(self) -> None:
        """Look at what the services have logged since the last time, at their memory, and whether they live."""
        for process in self.stack.processes:
            if process.pid != self._pids[process.name]:
                self.findings.append(f"{process.name} died")
                self._pids[process.name] = process.pid
        for name, grown in self.grown().items():
            if name != "nats" and grown > GROWTH:
                self.findings.append(f"{name} grew by {grown} MB")
                self._peaks[name] += int(grown * 1e6)
        for path in (self.stack.data / "logs").glob("*.log"):
            with path.open("rb") as log:
                log.seek(self._read.get(path, 0))
                written = log.read()
            written = written[: written.rfind(b"\n") + 1]
            self._read[path] = self._read.get(path, 0) + len(written)
            lines = written.decode(errors="replace").splitlines()
            self.findings += [f"{path.stem} logged {line[:6000]}" for line in lines if _is_finding(path.stem, line)]

    def grown(self) -> dict[str, float]:
        """MB by which the memory of each service grew at most."""
        pids = {process.name: process.pid for process in self.stack.processes if process.pid}
        return {name: round((peak(pid) - self._peaks[name]) / 1e6, 1) for name, pid in pids.items()}

    async def ask_for_health(self) -> None:
        """/livez answers, whatever else there is; for as long as this runs."""
        async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
            while True:
                began = self.loop.time()
                try:
                    answer = await http.get(f"{self.stack.gateway_urls[0]}/livez", headers={"Connection": "close"})
                    if answer.status_code != 200:
                        self.findings.append(f"/livez answered {answer.status_code} {answer.text}")
                except httpx.HTTPError as error:
                    if self.loop.time() - began < float(ENV["PENSTOCK_HEADER_TIMEOUT"]):  # else it was us who were slow
                        self.findings.append(f"/livez: {error!r}")
                self.slowest = max(self.slowest, self.loop.time() - began)
                self.counts["/livez"] += 1
                await asyncio.sleep(0.1)


def peak(pid: int) -> int:
    """Bytes of memory that a process had at most."""
    (size,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(size) * 1024


def _is_finding(service: str, line: str) -> bool:
    if any(part in line for part in EXPECTED):
        return False
    if service == "nats":
        return "[FTL]" in line or "panic" in line
    try:
        record = json.loads(line)
    except ValueError:
        return " ready " not in line
    return "exception" in record or record.get("level") in ("error", "critical")


@asynccontextmanager
async def fuzzed_system(data: Path) -> AsyncIterator[FuzzedSystem]:
    """All of it but the command line; the simulator and what is between run in this loop."""
    async with serving() as simulator_url, ModelBetween(simulator_url).serving() as model:
        env = {**ENV, "PENSTOCK_MODEL_BASE_URL": model.url}
        async with Stack(data=data, port=0, pace="off", env=env) as stack:
            bus = await connect(Settings(nats_url=stack.nats_url), "fuzz")
            system = FuzzedSystem(stack, bus, model)
            health = asyncio.create_task(system.ask_for_health())
            try:
                yield system
            finally:
                await stop(health)
                await bus.connection.close()
