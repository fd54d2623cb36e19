"""A process that answers for itself."""

import os
import secrets
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from nats.aio.msg import Msg
from prometheus_client import CollectorRegistry

from penstock.contracts.fleet import Replica
from penstock.fleet.counts import counts_in
from penstock.installed import __version__
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus


class Presence:
    """From `start` until its connection is closed. `now`: what changes; its counts are those of `registry`."""

    def __init__(
        self, service: str, registry: CollectorRegistry, now: Callable[[], Mapping[str, Any]], **fixed: Any
    ) -> None:
        self._registry, self._now = registry, now
        self._fixed = Replica(
            id=secrets.token_hex(4),
            service=service,
            version=__version__,
            host=socket.gethostname(),
            pid=os.getpid(),
            started_at=datetime.now(UTC),
            **fixed,
        )

    async def start(self, bus: Bus) -> None:
        await bus.connection.subscribe(subjects.FLEET, cb=self._answer)

    async def _answer(self, question: Msg) -> None:
        if question.reply:
            changed = {**self._now(), "counts": counts_in(self._registry)}
            await question.respond(self._fixed.model_copy(update=changed).model_dump_json().encode())
