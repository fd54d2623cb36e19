"""What the gateway's routes share: settings, patterns, NATS, and when a request is refused whatever it asks."""

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import Request

from penstock.document import Shape
from penstock.errors import BusUnavailable, Refused
from penstock.jetstream.bus import Bus
from penstock.jobs.admission import Admission
from penstock.jobs.follow import Buffers, Follower
from penstock.pattern import Pattern
from penstock.settings import Settings
from penstock_gateway.openapi import Description

#: Seconds after which a request that waits for NATS is answered 503. Streams wait longer: nats_timeout.
_PATIENCE = 3.0
#: Bytes of all headers together.
_MAX_HEADERS = 64 * 1024
#: Served to the very end.
_ALWAYS = ("/livez", "/readyz", "/metrics")


class Gateway:
    """The composition of one gateway process; it is connected before the application serves its first request."""

    def __init__(self, settings: Settings, patterns: Mapping[str, Pattern[Any, Any]], draining: asyncio.Event) -> None:
        self.settings, self.patterns, self.draining = settings, patterns, draining
        self.shapes = {name: Shape.of(pattern.result) for name, pattern in patterns.items()}
        self.description = Description(patterns.values())
        self._buffers = Buffers(settings.stream_buffer)

    def connected(self, bus: Bus) -> None:
        self._long = bus
        self._short = Bus(bus.connection, timeout=min(_PATIENCE, self.settings.nats_timeout), of=bus)
        self.admission = Admission(bus, self.settings)

    @property
    def bus(self) -> Bus:
        """For what a request waits for. Raises BusUnavailable at once while NATS is away."""
        if not self._short.connection.is_connected:
            raise BusUnavailable("not connected to NATS")
        return self._short

    def trouble(self) -> str | None:
        """Why it should not be sent requests."""
        return "stopping" if self.draining.is_set() else self._long.trouble

    def follow(self, job: str, *, publish_missing_end: bool = False) -> Follower:
        """`publish_missing_end`: the job was not submitted just now."""
        buffers, silence = self._buffers, self.settings.heartbeat
        return Follower(self._long, job, buffers=buffers, silence=silence, publish_missing_end=publish_missing_end)

    async def admit(self, request: Request) -> None:
        """A dependency of all routes. Raises Refused while draining, and for too many bytes of headers."""
        if self.draining.is_set() and not request.scope["path"].startswith(_ALWAYS):
            raise Refused("draining", "try again: another replica answers")
        if sum(len(name) + len(value) for name, value in request.headers.raw) > _MAX_HEADERS:
            raise Refused("headers_too_large", f"all headers together may have {_MAX_HEADERS} bytes")
