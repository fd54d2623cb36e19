"""FastStream's broker as the services use it.

Apart from penstock.jetstream.connection: to import FastStream takes 130 ms.
"""

import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import nats.errors
from faststream.nats import NatsBroker
from faststream.nats.security import NatsSecurity, NatsUserPassword
from nats.aio.client import Client

from penstock.cancelling import own_cancellation
from penstock.errors import Misconfigured
from penstock.jetstream.connection import connect_options, report, told_apart
from penstock.jetstream.mended import mended
from penstock.settings import Settings

log = logging.getLogger(__name__)


class Broker(NatsBroker):
    """FastStream's, except that it can be stopped while NATS is away, too.

    Handlers are given the nats-py message as it came, and decode it themselves: a body that FastStream could not
    decode would never be settled. Its dependency injection is off, see docs/adr/0004.
    """

    def __init__(self, settings: Settings, service: str, reconnected: Callable[[], Awaitable[None]]) -> None:
        async def as_it_came(message: Any) -> Any:
            return message.raw_message

        self._settings = settings
        options = connect_options(settings, f"penstock-{service}")
        user, password, tls = (options.pop(name, None) for name in ("user", "password", "tls"))
        security = NatsUserPassword(user, password, ssl_context=tls) if user else NatsSecurity(ssl_context=tls)
        super().__init__(
            **options,
            security=security,
            error_cb=report,
            reconnected_cb=reconnected,
            decoder=as_it_came,
            apply_types=False,
            serializer=None,
            logger=None,
            graceful_timeout=settings.grace,
        )

    async def _connect(self) -> Client:
        # not by super(): it mends nothing before the server is told who we are, and what it gives for `error_cb` raises
        # a refusal: nats-py's task that reconnects would end of it, for ever
        connection = mended(Client())

        async def told(error: Exception) -> None:
            await report(error)
            if self._connection is None and "authorization violation" in str(error).lower():
                raise Misconfigured(told_apart(self._settings, str(error)))

        await connection.connect(**self._connection_kwargs | {"error_cb": told})
        self.config.connect(connection)
        return connection

    async def stop(self, *args: Any, **kwargs: Any) -> None:
        connection = self._connection
        try:
            with own_cancellation():
                await super().stop(*args, **kwargs)
        except (nats.errors.Error, OSError) as error:
            # there is no server to drain to
            log.warning("stopping without NATS: %r", error)
            self._connection = None
            self.config.disconnect()
        if connection is not None:
            # also after it was drained: it may have begun to reconnect meanwhile, and would go on for ever
            with contextlib.suppress(nats.errors.Error, OSError):
                await connection.close()
