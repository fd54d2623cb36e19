"""A reader of a job's events whose connection is cut again and again, and the check that it received all of them.

It speaks HTTP/1.1 itself: hundreds of them have to cost less than the gateways that they read from.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from penstock.jetstream.bus import Bus
from tests.support.record import news

_TERMINAL = ("job.completed", "job.failed", "job.cancelled")


@dataclass(frozen=True, slots=True)
class Received:
    """One event, when it came (Unix seconds), and since when its connection stood."""

    type: str
    id: int
    data: bytes
    at: float
    connected_at: float


@dataclass(slots=True)
class Reader:
    """Reads `job` from one of `ports` at a time; leaves in the middle `cuts` times and goes on at another."""

    job: str
    ports: Sequence[int]
    random: Random
    cuts: int
    #: A connection is cut after so many events at most.
    patience: int = 25
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    async def read(self) -> None:
        """Until the job's end has been delivered, and a last visit has been answered 204."""
        port = self.random.choice(self.ports)
        while not self.received or self.received[-1].type not in _TERMINAL:
            await self._visit(port)
            port = self.random.choice([other for other in self.ports if other != port] or self.ports)
        before = len(self.received)
        await self._visit(port)
        assert len(self.received) == before, f"{self.job}: something came after the end"

    async def _visit(self, port: int) -> None:
        self.connections += 1
        left = self.random.randrange(self.patience) if self.cuts > 0 else None
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
        try:
            last = f"Last-Event-ID: {self.received[-1].id}\r\n" if self.received else ""
            writer.write(f"GET /jobs/{self.job}/events HTTP/1.1\r\nHost: localhost\r\n{last}\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            assert status in (200, 204), head.decode()
            if status == 204:
                return
            connected_at = time.time()
            async for block in _blocks(reader):
                if left == 0:
                    self.cuts -= 1
                    return  # with whatever was on its way
                left = None if left is None else left - 1
                self.received.append(_event(block, connected_at))
        finally:
            writer.close()


async def _blocks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The blocks of an event stream in chunked encoding."""
    rest = b""
    while size := int(await reader.readline(), 16):
        rest += (await reader.readexactly(size + 2))[:-2]
        *blocks, rest = rest.split(b"\n\n")
        for block in blocks:
            yield block


def _event(block: bytes, connected_at: float) -> Received:
    fields: dict[bytes, bytes] = {}
    for line in block.split(b"\n"):
        name, _, value = line.partition(b": ")
        fields[name] = value
    return Received(fields[b"event"].decode(), int(fields[b"id"]), fields[b"data"], time.time(), connected_at)


async def check(bus: Bus, reader: Reader) -> list[float]:
    """The delays (seconds from storage to reader) of events that came live.

    Raises AssertionError unless the reader was told what NATS has: each event of the job once, in order.
    """
    expected = await news(bus, reader.job)
    delivered = [(one.id, json.loads(one.data)) for one in reader.received]
    assert delivered == [(place, event) for place, event, _ in expected], f"{reader.job}: a wrong stream"
    times = [datetime.fromisoformat(stored.time).timestamp() for _, _, stored in expected]
    pairs = zip(reader.received, times, strict=True)
    return [max(0.0, one.at - time) for one, time in pairs if one.connected_at < time]
