"""What the queue-fed services have in common: broker, bus, pull group, health, metrics, life cycle."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from faststream.asgi import AsgiFastStream
from nats.aio.msg import Msg
from prometheus_client import CollectorRegistry, Gauge
from starlette.routing import request_response

from penstock.fleet.presence import Presence
from penstock.hosting.broker import Broker
from penstock.hosting.health import endpoints
from penstock.hosting.metrics import ProcessMetrics
from penstock.hosting.subscriber import PullSubscriber
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import check_server
from penstock.jetstream.partitions import Partitions
from penstock.jetstream.pull import PullGroup
from penstock.jetstream.source import Handle
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
        self._places = 0
        #: What it serves, as penstock.contracts.fleet.Replica has it: to be set by `start`.
        self.about: Callable[[], dict[str, Any]] = dict
        #: Called as soon as the service is to stop.
        self.leaving: list[Callable[[], Awaitable[None]]] = []
        self.registry = registry = CollectorRegistry()
        in_flight = Gauge("penstock_in_flight", "Messages received and not settled.", registry=registry)
        in_flight.set_function(lambda: self.in_flight)
        pools = ("pool",)
        self._slots = Gauge(
            "penstock_slots", "What may be handled at once; of aggregators: jobs.", pools, registry=registry
        )
        self._used = Gauge(
            "penstock_slots_in_use", "What is, and what waits here for a slot.", pools, registry=registry
        )
        self._metrics = ProcessMetrics(registry, name, self._trouble)
        self._pools: list[PullGroup] = []
        self.pool(slots, "shared")
        self._broker = Broker(settings, name, self._reconnected)
        health = endpoints(self._trouble, registry)
        self.app = AsgiFastStream(
            self._broker,
            logger=None,
            asgi_routes=[(path, request_response(endpoint)) for path, endpoint in health.items()],
            on_startup=[self._start],
            on_shutdown=[self.stop],
        )

    def _trouble(self) -> str | None:
        if self._bus is None:
            return "starting"
        return "stopping" if self._pools[0].stopping else self._bus.trouble

    def _now(self) -> dict[str, Any]:
        in_use = self._places - sum(pool.free for pool in self._pools)
        return self.about() | {"trouble": self._trouble(), "in_use": in_use, "in_flight": self.in_flight}

    @property
    def in_flight(self) -> int:
        """Messages received and not settled."""
        return sum(pool.in_flight for pool in self._pools)

    def consume(
        self,
        stream: str,
        durable: str | Mapping[str, int],
        subject: str,
        handle: Callable[[Msg], Awaitable[None]],
        *,
        aside: Handle | None = None,
        pool: PullGroup | None = None,
    ) -> None:
        """Give each message of a durable consumer, or of several by their weights, to `handle`, which settles it.

        `subject`: of all of them. `pool`: the slots it takes, instead of those that all others share. Weights and
        `aside`: see penstock.jetstream.pull.
        """
        group = pool or self._pools[0]
        weights = {durable: 1} if isinstance(durable, str) else durable
        streams = Partitions(self.settings.partitions).streams(stream)
        subscriber = PullSubscriber(self._broker, group, streams=streams, subject=subject, weights=weights, aside=aside)
        subscriber(handle)

    def pool(self, slots: int, name: str) -> PullGroup:
        """So many slots apart from those that are shared; `name` is for /metrics."""
        pool = PullGroup(slots=slots, ack_wait=self.settings.ack_wait)
        self._pools.append(pool)
        self._places += slots
        self._slots.labels(name).set(slots)
        self._used.labels(name).set_function(lambda: slots - pool.free)
        return pool

    async def _start(self) -> None:
        partitions = Partitions(self.settings.partitions)
        bus = Bus(await self._broker.connect(), timeout=self.settings.nats_timeout, partitions=partitions)
        await check_server(bus, self.settings)
        await self._start_with(self, bus)
        await Presence(self.name, self.registry, self._now, slots=self._places).start(bus)
        for pool in self._pools:
            bus.on_reconnect(pool.reconnected)
        self._bus = bus
        self._metrics.start()

    async def stop(self, grace: float | None = None) -> None:
        """Settle or hand back all messages, within `grace` seconds (those of the settings)."""
        self._metrics.stop()
        grace = self.settings.grace if grace is None else grace
        await asyncio.gather(*(leave() for leave in self.leaving))
        await asyncio.gather(*(pool.stop(grace) for pool in self._pools))

    async def _reconnected(self) -> None:
        if self._bus is not None:
            await self._bus.reconnected()
