"""What the gateway's routes share: settings, patterns, NATS, and when a request is refused whatever it asks."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Request
from prometheus_client import CollectorRegistry

from penstock.callers.keyring import Keyring
from penstock.callers.rate_limit import RateLimit
from penstock.contracts.wire import JobName
from penstock.document import Shape
from penstock.errors import BusUnavailable, Refused
from penstock.hosting.metrics import ProcessMetrics
from penstock.jetstream.bus import Bus
from penstock.jobs.admission import Admission
from penstock.jobs.follow import Buffers, Follower
from penstock.pattern import Pattern
from penstock.settings import Settings
from penstock_gateway.metrics import StreamMetrics
from penstock_gateway.openapi import Description

#: Seconds after which a request that waits for NATS is answered 503. Streams wait longer: nats_timeout.
_PATIENCE = 3.0
#: Served to the very end.
_ALWAYS = ("/livez", "/readyz", "/metrics")
#: Bytes of a body whose parsing others would notice.
_LARGE = 64 * 1024
#: Lists of jobs that are made at once; others wait.
_LISTS = 4


class Gateway:
    """The composition of one gateway process; it is connected before the application serves its first request."""

    def __init__(self, settings: Settings, patterns: Mapping[str, Pattern[Any, Any]], draining: asyncio.Event) -> None:
        self.settings, self.patterns, self.draining = settings, patterns, draining
        self.shapes = {name: Shape.of(pattern.result) for name, pattern in patterns.items()}
        self.description = Description(patterns.values())
        self.registry = CollectorRegistry()
        self.process = ProcessMetrics(self.registry, "gateway", self.trouble)
        self.streams = StreamMetrics(self.registry)
        self._buffers = Buffers(settings.stream_buffer, self.streams.read_again)
        self._turn = asyncio.Lock()
        #: Taken by each list of jobs: at the server it takes a consumer, and may read through much.
        self.listing = asyncio.Semaphore(_LISTS)

    def connected(self, bus: Bus) -> None:
        self._long = bus
        self._short = Bus(bus.connection, timeout=min(_PATIENCE, self.settings.nats_timeout), of=bus)
        self.admission = Admission(self._short, self.settings)
        self.keyring = Keyring(bus)
        self.rates = RateLimit(self._short)

    @property
    def bus(self) -> Bus:
        """For what a request waits for. Raises BusUnavailable at once while NATS is away."""
        if not self._short.connection.is_connected:
            raise BusUnavailable("not connected to NATS")
        return self._short

    def trouble(self) -> str | None:
        """Why it should not be sent requests."""
        return "stopping" if self.draining.is_set() else self._long.trouble

    def follow(self, job: JobName, *, publish_missing_end: bool = False) -> Follower:
        """`publish_missing_end`: the job was not submitted just now."""
        return Follower(
            self._long,
            job,
            buffers=self._buffers,
            silence=self.settings.heartbeat,
            publish_missing_end=publish_missing_end,
            ended=self.admission.ended,
        )

    @asynccontextmanager
    async def turn(self, size: int) -> AsyncIterator[None]:
        """For work that takes time by the `size` of a body: large ones one after the other, with time for others."""
        if size < _LARGE:
            yield
            return
        async with self._turn:
            began = time.perf_counter()
            yield
            await asyncio.sleep(time.perf_counter() - began)

    async def admit(self, request: Request) -> None:
        """A dependency of all routes. Raises Refused while draining."""
        if self.draining.is_set() and not request.scope["path"].startswith(_ALWAYS):
            raise Refused("draining", "try again: another replica answers")
