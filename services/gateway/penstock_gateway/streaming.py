"""Responses that grow: what is common to all formats."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractContextManager

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from penstock.cancelling import stop
from penstock.jobs.refusals import UNAVAILABLE

log = logging.getLogger(__name__)


class Aborted(Exception):
    """End the connection without ending the body: what was sent cannot be completed, and no client may think it is."""


class GrowingResponse(Response):
    """An ASGI response fed by a generator of text, which it closes.

    Headers go out before the first piece. It stops when the client is gone or when `closing` is set (the
    server is shutting down): then the body is left unfinished, so that clients resume elsewhere. It takes the
    next piece only once the socket has taken the last: a slow reader waits in the generator, not here. `seen` is
    entered for as long as it lasts, and told of each piece whether there was anything to send.

    Starlette's StreamingResponse would not do: it goes on cancelling a generator that cleans up after itself.
    """

    def __init__(
        self,
        pieces: AsyncGenerator[str, None],
        headers: Mapping[str, str],
        closing: asyncio.Event,
        seen: AbstractContextManager[Callable[[bool], None]],
    ) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no", **headers})
        del self.headers["content-length"]
        self._pieces, self._closing, self._seen = pieces, closing, seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(send))
        others = [asyncio.ensure_future(_gone(receive)), asyncio.ensure_future(self._closing.wait())]
        try:
            await asyncio.wait((sending, *others), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (Aborted, *UNAVAILABLE) as error:
            # returning with the body unfinished makes the server drop the connection
            log.info("stream aborted: %s", error)
        finally:
            await stop(sending, *others)
            await self._pieces.aclose()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        with self._seen as told:
            async for piece in self._pieces:
                if piece:
                    await send({"type": "http.response.body", "body": piece.encode(), "more_body": True})
                told(bool(piece))


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def not_about_aborting(record: logging.LogRecord) -> bool:
    """A filter that drops uvicorn's error about an unfinished body: that is how a stream is aborted here."""
    return record.getMessage() != "ASGI callable returned without completing response."
