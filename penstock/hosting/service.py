"""What the queue-fed services have in common: broker, bus, pull group, health, metrics, life cycle."""

from collections.abc import Awaitable, Callable

from faststream.asgi import AsgiFastStream
from nats.aio.msg import Msg
from prometheus_client import CollectorRegistry, Gauge
from starlette.routing import request_response

from penstock.hosting.broker import Broker
from penstock.hosting.health import endpoints
from penstock.hosting.subscriber import PullSubscriber
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import check_server
from penstock.jetstream.pull import PullGroup
from penstock.settings import Settings


class Service:
    """One queue-fed process: run `app` (penstock.hosting.server.serve).

    `start` is called before any message is taken, and says what to `consume`. What is given to `app.on_shutdown` is
    called once all messages are settled or handed back.
    """

    def __init__(
        self, name: str, settings: Settings, start: Callable[["Service", Bus], Awaitable[None]], *, slots: int
    ) -> None:
        self.name, self.settings = name, settings
        self._start_with = start
        self._bus: Bus | None = None
        self.group = PullGroup(slots=slots, ack_wait=settings.ack_wait)
        registry = CollectorRegistry()
        in_flight = Gauge("penstock_in_flight", "Messages received and not settled.", registry=registry)
        in_flight.set_function(lambda: self.group.in_flight)
        self._broker = Broker(settings, name, registry, self._reconnected)
        health = endpoints(self._trouble, registry)
        self.app = AsgiFastStream(
            self._broker,
            logger=None,
            asgi_routes=[(path, request_response(endpoint)) for path, endpoint in health.items()],
            on_startup=[self._start],
            on_shutdown=[self._stop],
        )

    def _trouble(self) -> str | None:
        if self._bus is None:
            return "starting"
        return "stopping" if self.group.stopping else self._bus.trouble

    def consume(self, stream: str, durable: str, subject: str, handle: Callable[[Msg], Awaitable[None]]) -> None:
        """Give each message of a durable consumer to `handle`, which settles it."""
        PullSubscriber(self._broker, self.group, stream=stream, durable=durable, subject=subject)(handle)

    async def _start(self) -> None:
        bus = Bus(await self._broker.connect(), timeout=self.settings.nats_timeout)
        bus.on_reconnect(self.group.reconnected)
        await check_server(bus, self.settings)
        await self._start_with(self, bus)
        self._bus = bus

    async def _stop(self) -> None:
        await self.group.stop(self.settings.grace)

    async def _reconnected(self) -> None:
        if self._bus is not None:
            await self._bus.reconnected()
