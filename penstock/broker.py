"""FastStream's broker as the services use it. Apart from penstock.connection: to import FastStream takes 130 ms."""

from typing import Any

from faststream.nats import NatsBroker

from penstock.connection import connect_options, report
from penstock.settings import Settings


def make_broker(settings: Settings, name: str, **options: Any) -> NatsBroker:
    """FastStream's broker. Handlers are given the nats-py message as it came, and decode it themselves.

    A body that FastStream could not decode would never be settled; and to inject the message costs a thread
    switch (fast-depends resolves its `Context` in a thread pool), 150 µs a message.
    """

    async def as_it_came(message: Any) -> Any:
        return message.raw_message

    return NatsBroker(
        **connect_options(settings, name),
        error_cb=report,
        decoder=as_it_came,
        apply_types=False,
        logger=None,
        graceful_timeout=settings.grace,
        **options,
    )
