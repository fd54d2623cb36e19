"""Who takes part: programs that answer `POST /<pattern>` with server-sent events, and ask one simulator."""

import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from penstock.llm.access import KEYS
from penstock.local.process import Process
from penstock.local.stack import Stack

#: No key of the user's is sent anywhere.
WITHOUT_KEYS = dict.fromkeys(KEYS, "")
#: So much that nothing waits or is refused where the plain program has no such limit.
ROOMY = {"PENSTOCK_SLOTS": "512", "PENSTOCK_RUNS": "1024", "PENSTOCK_MAX_STEPS": "2000"}


@dataclass(frozen=True)
class Candidate:
    """`text`: what stands in each event that has a piece of text a model wrote; `end`: in the one of a good end."""

    name: str
    url: str
    processes: Sequence[Process]
    text: bytes
    end: bytes
    stack: Stack | None = None


@asynccontextmanager
async def model(*command: str) -> AsyncIterator[Process]:
    """A model as a process, by the arguments of `python -m`; the simulator without any delay where there are none."""
    async with _started("model", command or ("penstock.simulator", "--pace", "off"), {}) as process:
        yield process


@asynccontextmanager
async def penstock(model_url: str, *, workers: int = 2, env: Mapping[str, str] = {}) -> AsyncIterator[Candidate]:
    """The system of `penstock up`, which keeps no replies."""
    given = {"PENSTOCK_MODEL_BASE_URL": model_url, "PENSTOCK_CACHE": "false", "PENSTOCK_PATTERNS": "bench.fan:PATTERN"}
    async with AsyncExitStack() as opened:
        data = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        stack = Stack(data=data, port=0, workers=workers, env={**WITHOUT_KEYS, **ROOMY, **given, **env})
        await opened.enter_async_context(stack)
        text, end = b"event: delta", b"event: job.completed"
        yield Candidate("penstock", stack.gateway_urls[0], stack.processes, text, end, stack)


@asynccontextmanager
async def direct(model_url: str, way: str) -> AsyncIterator[Candidate]:
    """The plain program (bench/direct.py), in one of its ways."""
    name = {"every": "direct", "last": "direct, last step only", "retyped": "re-typed"}[way]
    env = {"PENSTOCK_MODEL_BASE_URL": model_url}
    async with _started("direct", ("bench.direct", "--way", way), env) as process:
        yield Candidate(name, str(process.url), [process], b'"t": ', b"event: result")


@asynccontextmanager
async def _started(name: str, command: Sequence[str], env: Mapping[str, str]) -> AsyncIterator[Process]:
    with tempfile.TemporaryDirectory() as folder:
        log_file = Path(folder) / "log"
        process = Process(name, [sys.executable, "-m", *command], env={**WITHOUT_KEYS, **env}, log_file=log_file)
        await process.start()
        try:
            yield process
        finally:
            await process.stop(grace=10)
