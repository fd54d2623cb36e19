"""What every service shows of its own process."""

import asyncio
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge, Histogram, ProcessCollector

from penstock.installed import __version__

#: Seconds between two looks at the event loop.
_LOOK = 0.5
#: Seconds, of what takes milliseconds where all is well.
SHORT = 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0
#: Seconds, of what waits for models or people.
LONG = 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0


class ProcessMetrics:
    """Version, readiness (`trouble` is what stands against it), CPU, memory; from `start` to `stop` the loop's lag."""

    def __init__(self, registry: CollectorRegistry, service: str, trouble: Callable[[], str | None]) -> None:
        build = Gauge("penstock_build_info", "1: what runs here.", ("service", "version"), registry=registry)
        build.labels(service, __version__).set(1)
        ready = Gauge("penstock_ready", "Whether /readyz says so: 1 or 0.", registry=registry)
        ready.set_function(lambda: trouble() is None)
        ProcessCollector(registry=registry)
        self._lag = Histogram(
            "penstock_event_loop_lag_seconds",
            "How late a timer of the event loop comes, looked at twice a second.",
            registry=registry,
            buckets=SHORT,
        )
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._next = loop.call_later(_LOOK, self._look, loop, loop.time() + _LOOK)

    def stop(self) -> None:
        if self._next is not None:
            self._next.cancel()

    def _look(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._lag.observe(max(0.0, loop.time() - due))
        self.start()
