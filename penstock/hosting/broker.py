"""FastStream's broker as the services use it.

Apart from penstock.jetstream.connection: to import FastStream takes 130 ms.
"""

import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import nats.errors
from faststream.message import StreamMessage
from faststream.nats import NatsBroker
from faststream.nats.prometheus.provider import NatsMetricsSettingsProvider
from faststream.prometheus import ConsumeAttrs
from faststream.prometheus.middleware import PrometheusMiddleware
from nats.aio.client import Client
from nats.aio.msg import Msg
from prometheus_client import CollectorRegistry

from penstock.cancelling import own_cancellation
from penstock.jetstream.connection import connect_options, mended, report
from penstock.settings import Settings

log = logging.getLogger(__name__)


class _ByConsumer(NatsMetricsSettingsProvider):
    """`destination` is `<stream>/<consumer>`: as many values as there are kinds of steps.

    FastStream's own is the subject. Ours end in a job and a key, so every message would leave metrics behind for
    ever: 4 kB and 150 µs each.
    """

    def get_consume_attrs_from_message(self, msg: StreamMessage[Msg]) -> ConsumeAttrs:
        metadata = msg.raw_message.metadata
        destination = f"{metadata.stream}/{metadata.consumer}"
        return {"destination_name": destination, "message_size": len(msg.body), "messages_count": 1}


class Broker(NatsBroker):
    """FastStream's, except that it can be stopped while NATS is away, too.

    Handlers are given the nats-py message as it came, and decode it themselves: a body that FastStream could not
    decode would never be settled. Its dependency injection is off, see docs/adr/0004. What is consumed is counted
    and timed in `registry`, as `faststream_*`.
    """

    def __init__(
        self,
        settings: Settings,
        service: str,
        registry: CollectorRegistry,
        reconnected: Callable[[], Awaitable[None]],
    ) -> None:
        by_consumer = _ByConsumer()
        counting = PrometheusMiddleware(
            settings_provider_factory=lambda _: by_consumer, registry=registry, app_name=service
        )

        async def as_it_came(message: Any) -> Any:
            return message.raw_message

        super().__init__(
            **connect_options(settings, f"penstock-{service}"),
            error_cb=report,
            reconnected_cb=reconnected,
            middlewares=[counting],
            decoder=as_it_came,
            apply_types=False,
            serializer=None,
            logger=None,
            graceful_timeout=settings.grace,
        )

    async def _connect(self) -> Client:
        return mended(await super()._connect())

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
