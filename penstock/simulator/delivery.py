"""Sends a reply at its pace, and notices at once when the caller has gone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from penstock.simulator.call import Call, Ledger
from penstock.simulator.chunks import Chunk
from penstock.simulator.rule import Rule


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast replies come: seconds to the first token, then so many tokens a second (None: all at once)."""

    ttft: float = 0.0
    tokens_per_second: float | None = None


class _CallerGone(Exception):
    """The caller closed the connection before the reply was out."""


@dataclass(eq=False)
class Delivery(Response):
    """How one reply, or else an error, is sent; what became of its call is booked. A `gate` holds it."""

    call: Call
    ledger: Ledger
    rule: Rule
    pace: Pace
    gate: asyncio.Event | None
    chunks: list[Chunk]
    error: Response | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the reply. A connection that is to break is left without its end: the server then drops it."""
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            if self.rule.fault.hang:
                await gone
                raise _CallerGone
            streamed = self.call.method == "streamGenerateContent"
            held_before = self.rule.reply.hold_before or len(self.chunks) < 2
            if held_before:
                await self._hold(gone)
            if self.error is None:
                await self._deliver(send, gone, streamed, hold=not held_before)
            else:
                self.ledger.close(self.call, "failed")
                await self.error(scope, receive, send)
        except _CallerGone:
            self.ledger.close(self.call, "disconnected")
        finally:
            gone.cancel()
            self.ledger.close(self.call, "failed")

    async def _deliver(self, send: Send, gone: asyncio.Future[Any], streamed: bool, *, hold: bool) -> None:
        """With `hold` it stops after the first chunk."""
        started = asyncio.get_running_loop().time() + self.pace.ttft
        last = len(self.chunks) - 1
        unpaced = self.chunks[0].usage.candidates_token_count if streamed else 0
        kind = b"text/event-stream" if streamed else b"application/json; charset=UTF-8"
        head = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]}
        after = self.rule.fault.break_after_chunks
        breaks_at = None if after is None else min(after, last)
        for place, chunk in enumerate(self.chunks):
            if place == breaks_at:
                if place == 0:
                    await send(head)
                    await send({"type": "http.response.body", "body": b"", "more_body": True})
                return
            paced = chunk.usage.candidates_token_count - unpaced
            rate = self.pace.tokens_per_second
            await _until(started + (paced / rate if rate else 0.0), gone)
            self.call.chunks += 1
            self.call.usage = chunk.usage
            self.ledger.touch()
            if place == last:
                self.ledger.close(self.call, "completed")
            if place == 0:
                await send(head)
            body = b"data: " + chunk.body + b"\r\n\r\n" if streamed else chunk.body
            await send({"type": "http.response.body", "body": body, "more_body": place < last})
            if place == 0 and hold:
                await self._hold(gone)

    async def _hold(self, gone: asyncio.Future[Any]) -> None:
        if self.gate is None:
            return
        self.call.held = self.rule.reply.hold
        self.ledger.touch()
        opened: asyncio.Future[Any] = asyncio.ensure_future(self.gate.wait())
        await asyncio.wait({opened, gone}, return_when=asyncio.FIRST_COMPLETED)
        opened.cancel()
        self.call.held = None
        if gone.done():
            raise _CallerGone


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _until(due: float, gone: asyncio.Future[Any]) -> None:
    """Waits for the time to come. Raises _CallerGone as soon as the caller goes."""
    delay = due - asyncio.get_running_loop().time()
    if delay > 0:
        await asyncio.wait({gone}, timeout=delay)
    else:
        await asyncio.sleep(0)  # lets the loop see a closed connection between two chunks
    if gone.done():
        raise _CallerGone
