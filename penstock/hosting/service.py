"""What the queue-fed services have in common: broker, bus, pull group, health, metrics, life cycle."""

from collections.abc import Awaitable, Callable

from faststream.asgi import AsgiFastStream
from nats.aio.msg import Msg
from prometheus_client import CollectorRegistry, Gauge

from penstock.hosting import metrics
from penstock.hosting.broker import Broker
from penstock.hosting.health import as_asgi, endpoints
from penstock.hosting.subscriber import pull_subscriber
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import check_server
from penstock.jetstream.pull import PullGroup
from penstock.settings import Settings


class Service:
    """One queue-fed process: `consume` what it serves, then run `app` (penstock.hosting.server.serve)."""

    def __init__(self, name: str, settings: Settings, *, slots: int) -> None:
        self.name, self.settings = name, settings
        self._bus: Bus | None = None
        self._on_start: list[Callable[[Bus], Awaitable[None]]] = []
        self._on_stop: list[Callable[[], Awaitable[None]]] = []
        registry = CollectorRegistry()
        self.group = PullGroup(slots=slots, ack_wait=settings.ack_wait)
        in_flight = Gauge("penstock_in_flight", "Messages received and not settled.", registry=registry)
        in_flight.set_function(lambda: self.group.in_flight)
        self.broker = Broker(settings, name, self._reconnected, metrics.middleware(registry, name))
        health = endpoints(self._trouble, registry)
        self.app = AsgiFastStream(
            self.broker,
            logger=None,
            asgi_routes=[(path, as_asgi(endpoint)) for path, endpoint in health.items()],
            on_startup=[self._start],
            on_shutdown=[self._stop],
        )

    def _trouble(self) -> str | None:
        if self._bus is None:
            return "starting"
        return "stopping" if self.group.stopping else self._bus.trouble

    def on_start(self, hook: Callable[[Bus], Awaitable[None]]) -> None:
        """Have `hook` called with the bus before any message is taken."""
        self._on_start.append(hook)

    def on_stop(self, hook: Callable[[], Awaitable[None]]) -> None:
        """Have `hook` called once all messages are settled or handed back."""
        self._on_stop.append(hook)

    def consume(self, stream: str, durable: str, subject: str, handle: Callable[[Msg], Awaitable[None]]) -> None:
        """Give each message of a durable consumer to `handle`, which settles it."""
        subscriber = pull_subscriber(self.broker, self.group, stream=stream, durable=durable, subject=subject)

        async def on_message(message: Msg) -> None:
            await handle(message)

        subscriber(on_message)

    async def _start(self) -> None:
        connection = await self.broker.connect()
        bus = Bus(connection, timeout=self.settings.nats_timeout)
        bus.on_reconnect(self.group.reconnected)
        await check_server(bus, self.settings)
        for hook in self._on_start:
            await hook(bus)
        self._bus = bus

    async def _stop(self) -> None:
        await self.group.stop(self.settings.grace)
        for hook in self._on_stop:
            await hook()

    async def _reconnected(self) -> None:
        if self._bus is not None:
            await self._bus.reconnected()
