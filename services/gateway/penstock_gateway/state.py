"""What the gateway's routes share."""

import asyncio
from collections.abc import Mapping
from typing import Any

from penstock.document import Shape
from penstock.errors import BusUnavailable
from penstock.jetstream.bus import Bus
from penstock.jobs.follow import Follower
from penstock.pattern import Pattern
from penstock.settings import Settings
from penstock_gateway.backlog import Backlog
from penstock_gateway.openapi import Description

#: Seconds after which a request that waits for NATS is answered 503. Streams wait longer: nats_timeout.
_PATIENCE = 3.0


class Gateway:
    """The composition of one gateway process; it is connected once the application has started."""

    def __init__(self, settings: Settings, patterns: Mapping[str, Pattern[Any, Any]], draining: asyncio.Event) -> None:
        self.settings, self.patterns, self.draining = settings, patterns, draining
        self._shapes = {name: Shape.of(pattern.result) for name, pattern in patterns.items()}
        self.description = Description(patterns.values())
        self.backlog = Backlog(settings.max_backlog)
        self._long: Bus | None = None
        self._short: Bus | None = None

    def connected(self, bus: Bus) -> None:
        self._long = bus
        self._short = Bus(bus.connection, timeout=min(_PATIENCE, self.settings.nats_timeout), time=bus.time)

    @property
    def bus(self) -> Bus:
        """For what a request waits for. Raises BusUnavailable at once while NATS is away."""
        if self._short is None or not self._short.connection.is_connected:
            raise BusUnavailable("not connected to NATS")
        return self._short

    def trouble(self) -> str | None:
        """Why it should not be sent requests."""
        if self._long is None:
            return "starting"
        return "stopping" if self.draining.is_set() else self._long.trouble

    def shape(self, pattern: str) -> Shape:
        """That of the pattern's result; of anything, for a pattern that this replica does not know."""
        return self._shapes.get(pattern) or Shape({}, {})

    def follow(self, job: str, *, settle: bool = False) -> Follower:
        """`settle`: the job was not submitted just now."""
        if self._long is None:
            raise BusUnavailable("not connected to NATS")
        buffer, silence = self.settings.stream_buffer, self.settings.heartbeat
        return Follower(self._long, job, buffer=buffer, silence=silence, settle=settle)
