"""FastStream's broker as the services use it.

Apart from penstock.jetstream.connection: to import FastStream takes 130 ms.
"""

import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import nats.errors
from faststream.nats import NatsBroker

from penstock.jetstream.connection import connect_options, report
from penstock.settings import Settings

log = logging.getLogger(__name__)


class Broker(NatsBroker):
    """FastStream's, except that it can be stopped while NATS is away, too.

    Handlers are given the nats-py message as it came, and decode it themselves: a body that FastStream could not
    decode would never be settled. Its dependency injection is off, see docs/adr/0004.
    """

    def __init__(
        self, settings: Settings, service: str, reconnected: Callable[[], Awaitable[None]], middleware: Any
    ) -> None:
        async def as_it_came(message: Any) -> Any:
            return message.raw_message

        super().__init__(
            **connect_options(settings, f"penstock-{service}"),
            error_cb=report,
            reconnected_cb=reconnected,
            middlewares=[middleware],
            decoder=as_it_came,
            apply_types=False,
            logger=None,
            graceful_timeout=settings.grace,
        )

    async def stop(self, *args: Any, **kwargs: Any) -> None:
        try:
            await super().stop(*args, **kwargs)
        except (nats.errors.Error, OSError) as error:
            # there is no server to drain to; left alone, the client would try to reconnect for ever
            log.warning("stopping without NATS: %r", error)
            if self._connection is not None:
                with contextlib.suppress(nats.errors.Error, OSError):
                    await self._connection.close()
                self._connection = None
            self.config.disconnect()
