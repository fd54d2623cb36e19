"""What the gateway's routes share."""

import asyncio
from collections.abc import Mapping
from typing import Any

from penstock.bus import Bus
from penstock.document import Shape
from penstock.follow import Follower
from penstock.run import Pattern
from penstock.settings import Settings


class Gateway:
    """The composition of one gateway process; `bus` is there once the application has started."""

    bus: Bus

    def __init__(self, settings: Settings, patterns: Mapping[str, Pattern[Any, Any]], draining: asyncio.Event) -> None:
        self.settings, self.patterns, self.draining = settings, patterns, draining
        self.shapes = {name: Shape.of(pattern.result) for name, pattern in patterns.items()}

    @property
    def ready(self) -> bool:
        return hasattr(self, "bus") and self.bus.connection.is_connected and not self.draining.is_set()

    def follow(self, job: str) -> Follower:
        return Follower(self.bus, job, buffer=self.settings.stream_buffer, silence=self.settings.heartbeat)
