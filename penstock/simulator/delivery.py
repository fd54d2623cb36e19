"""Sends a reply at its pace, and notices at once when the caller has gone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from penstock.simulator.call import Call, Ledger
from penstock.simulator.chunks import Chunk
from penstock.simulator.config import Pace


class CallerGone(Exception):
    """The caller closed the connection before the reply was out."""


@dataclass(eq=False)
class Delivery(Response):
    """How one reply is sent; what became of its call is booked. `break_after` counts chunks, `hang` never sends any."""

    call: Call
    ledger: Ledger
    chunks: list[Chunk] = field(default_factory=list)
    pace: Pace = field(default_factory=Pace)
    streamed: bool = False
    gate: asyncio.Event | None = None
    gate_name: str | None = None
    hold_before: bool = False
    break_after: int | None = None
    hang: bool = False
    error: Response | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the reply. A connection that is to break is left without its end: the server then drops it."""
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            await self._deliver(scope, receive, send, gone)
        except CallerGone:
            self.ledger.close(self.call, "disconnected")
        finally:
            gone.cancel()
            self.ledger.close(self.call, "failed")

    async def _deliver(self, scope: Scope, receive: Receive, send: Send, gone: asyncio.Future[Any]) -> None:
        if self.hang:
            await gone
            raise CallerGone
        held_before = self.hold_before or (self.streamed and len(self.chunks) < 2) or self.error is not None
        if held_before:
            await self._hold(gone)
        if self.error is not None:
            self.call.http_status = self.error.status_code
            self.ledger.close(self.call, "failed")
            await self.error(scope, receive, send)
            return
        started = asyncio.get_running_loop().time()
        last = len(self.chunks) - 1
        unpaced = self.chunks[0].tokens if self.streamed else 0
        kind = b"text/event-stream" if self.streamed else b"application/json; charset=UTF-8"
        head = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]}
        breaks_at = None if self.break_after is None else min(self.break_after, last)
        for place, chunk in enumerate(self.chunks):
            body = b"data: " + chunk.body + b"\r\n\r\n" if self.streamed else chunk.body
            if place == breaks_at:
                if place == 0:
                    await send(head)
                    half = b"" if self.streamed else body[: len(body) // 2]
                    await send({"type": "http.response.body", "body": half, "more_body": True})
                return
            await _until(started + self.pace.due(chunk.tokens - unpaced), gone)
            if not self.streamed and not held_before:
                await self._hold(gone)
            self._book(chunk)
            if place == last:
                self.ledger.close(self.call, "completed")
            if place == 0:
                await send(head)
            await send({"type": "http.response.body", "body": body, "more_body": place < last})
            if place == 0 and self.streamed and not held_before:
                await self._hold(gone)

    def _book(self, chunk: Chunk) -> None:
        self.call.chunks += 1
        self.call.usage = chunk.usage
        self.call.finish_reason = chunk.finish_reason
        self.ledger.touch()

    async def _hold(self, gone: asyncio.Future[Any]) -> None:
        if self.gate is None:
            return
        self.call.held = self.gate_name
        self.ledger.touch()
        opened: asyncio.Future[Any] = asyncio.ensure_future(self.gate.wait())
        await asyncio.wait({opened, gone}, return_when=asyncio.FIRST_COMPLETED)
        opened.cancel()
        self.call.held = None
        if gone.done():
            raise CallerGone


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _until(due: float, gone: asyncio.Future[Any]) -> None:
    """Waits for the time to come. Raises CallerGone as soon as the caller goes."""
    delay = due - asyncio.get_running_loop().time()
    if delay > 0:
        await asyncio.wait({gone}, timeout=delay)
    else:
        await asyncio.sleep(0)  # lets the loop see a closed connection between two chunks
    if gone.done():
        raise CallerGone
