"""FastStream's side of pulling: a subscriber whose messages come from a PullGroup."""

from collections.abc import Mapping, Sequence
from itertools import product
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
    """A subscriber to durable consumers that exist, registered with `broker`; decorate the handler with it.

    One for all lanes of a kind, in all partitions: FastStream takes a millisecond to make one ready. `weights`: by
    consumer.
    FastStream's factory has no way to be given a subscriber class, so its parts are put together here.
    """

    def __init__(
        self,
        broker: NatsBroker,
        group: PullGroup,
        *,
        streams: Sequence[str],
        subject: str,
        weights: Mapping[str, int],
        aside: Handle | None,
    ) -> None:
        config: Any = broker.config
        calls: CallsCollection[Msg] = CallsCollection()
        super().__init__(
            NatsSubscriberConfig(
                subject=subject,
                sub_config=ConsumerConfig(),
                no_reply=True,
                _outer_config=config,
                _ack_policy=AckPolicy.MANUAL,
            ),
            NatsSubscriberSpecification(
                _outer_config=config,
                calls=calls,
                specification_config=NatsSubscriberSpecificationConfig(
                    subject=subject, queue=None, title_=subject, description_=None, include_in_schema=True
                ),
            ),
            calls,
            stream=JStream(streams[0], declare=False),
            queue="",
        )
        self._group, self._streams, self._weights, self._aside = group, streams, weights, aside
        self._sources: list[Source] = []
        Registrator.subscriber(broker, self)

    async def _create_subscription(self) -> None:
        if self._sources:
            return
        for stream, (durable, weight) in product(self._streams, self._weights.items()):
            consuming = self._group.consume(
                self.connection, stream, durable, self.consume, weight=weight, aside=self._aside
            )
            self._sources.append(await consuming)

    async def stop(self) -> None:
        while self._sources:
            await self._sources.pop().aclose()
        await super().stop()
