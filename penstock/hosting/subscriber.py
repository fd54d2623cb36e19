"""FastStream's side of pulling: a subscriber whose messages come from a PullGroup."""

from typing import Any

from faststream._internal.broker.registrator import Registrator
from faststream._internal.endpoint.subscriber.call_item import CallsCollection
from faststream.middlewares import AckPolicy
from faststream.nats import JStream, NatsBroker
from faststream.nats.subscriber.config import NatsSubscriberConfig, NatsSubscriberSpecificationConfig
from faststream.nats.subscriber.specification import NatsSubscriberSpecification
from faststream.nats.subscriber.usecases.stream_basic import StreamSubscriber
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig

from penstock.jetstream.pull import PullGroup
from penstock.jetstream.source import Handle, Source


class PullSubscriber(StreamSubscriber):
    """A subscriber to an existing durable consumer, registered with `broker`; decorate the handler with it.

    FastStream's factory has no way to be given a subscriber class, so its parts are put together here.
    """

    def __init__(
        self,
        broker: NatsBroker,
        group: PullGroup,
        *,
        stream: str,
        durable: str,
        subject: str,
        weight: int,
        aside: Handle | None,
    ) -> None:
        config: Any = broker.config
        calls: CallsCollection[Msg] = CallsCollection()
        super().__init__(
            NatsSubscriberConfig(
                subject=subject,
                sub_config=ConsumerConfig(durable_name=durable),
                no_reply=True,
                _outer_config=config,
                _ack_policy=AckPolicy.MANUAL,
            ),
            NatsSubscriberSpecification(
                _outer_config=config,
                calls=calls,
                specification_config=NatsSubscriberSpecificationConfig(
                    subject=subject, queue=None, title_=durable, description_=None, include_in_schema=True
                ),
            ),
            calls,
            stream=JStream(stream, declare=False),
            queue="",
        )
        self._group, self._durable = group, durable
        self._weight, self._aside = weight, aside
        self._source: Source | None = None
        Registrator.subscriber(broker, self)

    async def _create_subscription(self) -> None:
        if self._source is None:
            stream = str(self.stream.name)
            self._source = await self._group.consume(
                self.connection, stream, self._durable, self.consume, weight=self._weight, aside=self._aside
            )

    async def stop(self) -> None:
        if self._source is not None:
            await self._source.aclose()
            self._source = None
        await super().stop()
