"""The AI SDK's UI message stream protocol, v1: what `useChat` reads.

    start, start-step, data-step*, data-waiting*, data-result* (the same id: replaced in place), tool chunks*,
    finish-step, finish | error | abort, [DONE]

No chunk has a field that its type does not have in any version since 5.0.0: their schemas are strict.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from penstock.cancelling import stop
from penstock.contracts import events
from penstock.contracts.events import Event
from penstock.contracts.job import Snapshot
from penstock.document import Document, spread
from penstock.jobs.follow import Follower
from penstock_gateway import server_sent
from penstock_gateway.tool_calls import Chunk, ToolCalls

HEADERS = server_sent.HEADERS | {"x-vercel-ai-ui-message-stream": "v1"}

#: Seconds between two versions of the growing result, which is sent whole; longer by one such for each _SIZE
#: characters, so that what is sent does not grow with the square of the result.
_INTERVAL, _SIZE = 0.1, 8_000


async def ui_message(follower: Follower, job: str, tools: ToolCalls) -> AsyncGenerator[str, None]:
    """The whole job as one assistant message whose id is the job's, from its start."""
    message = _Message(tools)
    clock = asyncio.get_running_loop().time
    due = clock()
    yield _lines([{"type": "start", "messageId": job}, {"type": "start-step"}])
    async with follower:
        batches = aiter(follower)
        coming = asyncio.ensure_future(anext(batches, None))
        try:
            while True:
                await asyncio.wait((coming,), timeout=max(0.0, due - clock()) if message.stale else None)
                out: list[str] = []
                if coming.done():
                    batch = coming.result()
                    if batch is None:
                        break
                    out += [_lines(await message.feed(delivered.event)) for delivered in batch]
                    out += [] if batch else [server_sent.HEARTBEAT]
                    coming = asyncio.ensure_future(anext(batches, None))
                if message.stale and clock() >= due:
                    out.append(result := _lines(message.result()))
                    due = clock() + _INTERVAL * (1 + len(result) // _SIZE)
                yield "".join(out)
        finally:
            await stop(coming)
            await batches.aclose()
    yield "data: [DONE]\n\n"


class _Message:
    """From events to chunks."""

    def __init__(self, tools: ToolCalls) -> None:
        self._tools = tools
        self._document = Document()
        self._steps: dict[str, Chunk] = {}
        #: The result has grown since it was last shown.
        self.stale = False

    async def feed(self, event: Event | Snapshot) -> list[Chunk]:
        if isinstance(event, Snapshot):
            self._document = Document()
            for p, value in spread("", event.result).items():
                self._document.put(p, value)
            return _result(event.result)
        chunks: list[Chunk] = []
        self._document.apply(event)
        match event:
            case events.StepStarted():
                chunks = self._step(event.k, status="running", step=event.step, attempt=event.a, model=event.model)
            case events.StepQueued():
                about = event.model_dump(by_alias=True, include={"step", "depth", "served", "model"})
                chunks = self._step(event.key, status="queued", **about)
            case events.StepRetrying():
                chunks = self._step(event.k, status="retrying", code=event.code)
            case events.StepCompleted():
                chunks = self._step(event.key, status="completed", step=event.step, durationMs=event.duration_ms)
            case events.StepFailedEvent():
                chunks = self._step(event.key, status="failed", step=event.step, code=event.problem.code)
            case events.JobWaiting():
                about = event.model_dump(mode="json", by_alias=True, exclude={"id", "type"})
                chunks = [_waiting(event.key, about | {"status": "waiting"})]
            case events.JobResumed(key=key, timed_out=timed_out):
                chunks = [_waiting(key, {"key": key, "status": "timed-out" if timed_out else "over"})]
            case events.JobCompleted():
                self.stale = True
                chunks = [*self._tools.unanswered(), *self.result(), {"type": "finish-step"}, {"type": "finish"}]
            case events.JobFailed(problem=problem):
                chunks = [*self.result(), {"type": "error", "errorText": f"{problem.code}: {problem.detail}"}]
            case events.JobCancelled():
                chunks = [*self.result(), {"type": "abort"}]
            case events.JobAccepted() | events.PartStart():
                pass  # nothing to show yet
            case _:
                self.stale = True
        return chunks + await self._tools.feed(event)

    def result(self) -> list[Chunk]:
        """The result as far as it is known, if it has grown since it was last shown."""
        stale, self.stale = self.stale, False
        return _result(self._document.value) if stale else []

    def _step(self, key: str, **changes: Any) -> list[Chunk]:
        known = self._steps.setdefault(key, {"key": key})
        if changes["status"] == "running":
            known.pop("code", None)
        known |= {name: value for name, value in changes.items() if value is not None}
        return [{"type": "data-step", "id": key, "data": dict(known)}]


def _waiting(key: str, data: Any) -> Chunk:
    return {"type": "data-waiting", "id": key, "data": data}


def _result(value: Any) -> list[Chunk]:
    return [{"type": "data-result", "id": "result", "data": value}]


def _lines(chunks: list[Chunk]) -> str:
    texts = (json.dumps(chunk, ensure_ascii=False, separators=(",", ":")) for chunk in chunks)
    return "".join(f"data: {server_sent.line(text)}\n\n" for text in texts)
