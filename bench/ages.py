"""Readers that know the age of each piece of text that comes: from the clock model, through a candidate, to here.

They read the socket themselves: thousands of them have to cost less than the gateway that they read from.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from functools import partial
from urllib.parse import urlsplit

from pydantic import BaseModel

from bench.callers import quantile
from bench.candidates import Candidate
from bench.fan import job

TIME = re.compile(rb"(\d{10}\.\d{6}) ")
_LONGEST = 64


class Ages(BaseModel):
    """Milliseconds from the sending of a piece to its arrival, over all streams. `rate`: pieces a second, of all."""

    candidate: str
    streams: int
    rate: float
    p50: float
    p99: float
    lost: int


class Reader(asyncio.Protocol):
    """Sends one request and notes, of each time that comes, what it says and how old it is, up to the event `end`."""

    def __init__(self, request: bytes, end: bytes) -> None:
        self._request, self._end, self._tail = request, end, b""
        self.open = asyncio.get_running_loop().create_future()
        self.ended = asyncio.get_running_loop().create_future()
        #: Seconds, of those that came since this was emptied; and all that came.
        self.ages: list[float] = []
        self.times: set[bytes] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        if not self.open.done():
            self.open.set_result(None)
        data, found, _ = (self._tail + data).partition(self._end)  # the end has the whole text once more
        at = 0
        for match in TIME.finditer(data):
            sent, at = float(match[1]), match.end()
            self.ages.append(now - sent)
            self.times.add(match[1])
        self._tail = data[max(at, len(data) - _LONGEST) :]
        if found:
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        for one in (self.open, self.ended):
            if not one.done():
                one.set_result(None)


async def reading(url: str, method: str, path: str, end: bytes, body: bytes = b"") -> Reader:
    """A reader, connected."""
    at = urlsplit(url)
    assert at.hostname is not None
    assert at.port is not None
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {at.netloc}",
        "Accept: text/event-stream",
        *((f"Content-Length: {len(body)}", "Content-Type: application/json") if body else ()),
    ]
    request = "\r\n".join([*lines, "", ""]).encode() + body
    loop = asyncio.get_running_loop()
    _, reader = await loop.create_connection(partial(Reader, request, end), at.hostname, at.port)
    return reader


async def ages(candidate: Candidate, streams: int, rate: int, seconds: float) -> Ages:
    """Of jobs of one step each, all at once, with `rate` pieces a second together."""
    every = 1000 * streams // rate
    pieces = round(seconds * 1000 / every)
    _, body = job(f"pieces={pieces} every={every}")
    readers = await asyncio.gather(
        *(reading(candidate.url, "POST", "/fan", candidate.end, body) for _ in range(streams))
    )
    await asyncio.gather(*(reader.ended for reader in readers))
    found = [age for reader in readers for age in reader.ages]
    return of(candidate.name, streams, streams * 1000 / every, found, streams * pieces - len(found))


def of(name: str, streams: int, rate: float, found: Sequence[float], lost: int) -> Ages:
    p50, p99 = (1000 * quantile(found, share) for share in (0.5, 0.99))
    return Ages(candidate=name, streams=streams, rate=rate, p50=p50, p99=p99, lost=lost)
