"""Sends a reply at its pace, and notices at once when the caller has gone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from simulator.call import Call
from simulator.chunks import Chunk
from simulator.ledger import Ledger
from simulator.pace import Pace


class CallerGone(Exception):
    """The caller closed the connection before the reply was out."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one reply is to be sent; `break_after` counts chunks, `hang` never sends any."""

    chunks: list[Chunk]
    pace: Pace
    streamed: bool
    gate: asyncio.Event | None = None
    gate_name: str | None = None
    hold_before: bool = False
    break_after: int | None = None
    hang: bool = False
    error: Response | None = None


class Delivered(Response):
    """A Starlette response that books in the ledger what became of its call."""

    def __init__(self, delivery: Delivery, call: Call, ledger: Ledger) -> None:
        self._delivery = delivery
        self._call = call
        self._ledger = ledger
        self.background = None
        self.status_code = 200

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the reply. A connection that is to break is left without its end: the server then drops it."""
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            await self._deliver(scope, receive, send, gone)
        except CallerGone:
            self._ledger.close(self._call, "disconnected")
        finally:
            gone.cancel()
            self._ledger.close(self._call, "failed")

    async def _deliver(self, scope: Scope, receive: Receive, send: Send, gone: asyncio.Future[Any]) -> None:
        delivery, call = self._delivery, self._call
        if delivery.hang:
            await gone
            raise CallerGone
        before = delivery.hold_before or (delivery.streamed and len(delivery.chunks) < 2)
        if before:
            await self._hold(gone)
        if delivery.error is not None:
            call.http_status = delivery.error.status_code
            self._ledger.close(call, "failed")
            await delivery.error(scope, receive, send)
            return
        started = asyncio.get_running_loop().time()
        if not delivery.streamed:
            await self._send_whole(send, started, gone)
            return
        last = len(delivery.chunks) - 1
        first = delivery.chunks[0].tokens
        breaks_at = None if delivery.break_after is None else min(delivery.break_after, last)
        if breaks_at == 0:
            await send(_head(b"text/event-stream", None))
        for place, chunk in enumerate(delivery.chunks):
            if place == breaks_at:
                return
            await _until(started + delivery.pace.due(chunk.tokens - first), gone)
            self._book(chunk)
            if place == last:
                self._ledger.close(call, "completed")
            if place == 0:
                await send(_head(b"text/event-stream", None))
            await send(_body(b"data: " + chunk.body + b"\r\n\r\n", more=place < last))
            if place == 0 and not before:
                await self._hold(gone)

    async def _send_whole(self, send: Send, started: float, gone: asyncio.Future[Any]) -> None:
        chunk = self._delivery.chunks[0]
        await _until(started + self._delivery.pace.due(chunk.tokens), gone)
        if not self._delivery.hold_before:
            await self._hold(gone)
        await send(_head(b"application/json; charset=UTF-8", len(chunk.body)))
        if self._delivery.break_after is not None:
            await send(_body(chunk.body[: len(chunk.body) // 2], more=True))
            return
        self._book(chunk)
        self._ledger.close(self._call, "completed")
        await send(_body(chunk.body, more=False))

    def _book(self, chunk: Chunk) -> None:
        self._call.chunks += 1
        self._call.usage = chunk.usage
        self._call.finish_reason = chunk.finish_reason
        self._ledger.touch()

    async def _hold(self, gone: asyncio.Future[Any]) -> None:
        gate = self._delivery.gate
        if gate is None:
            return
        self._call.held = self._delivery.gate_name
        self._ledger.touch()
        opened: asyncio.Future[Any] = asyncio.ensure_future(gate.wait())
        await asyncio.wait({opened, gone}, return_when=asyncio.FIRST_COMPLETED)
        opened.cancel()
        self._call.held = None
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


def _head(content_type: bytes, length: int | None) -> Message:
    headers = [(b"content-type", content_type)]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    return {"type": "http.response.start", "status": 200, "headers": headers}


def _body(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
