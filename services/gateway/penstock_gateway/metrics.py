"""What the gateway counts. Labels are routes and formats, never jobs: their number does not grow with use."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.hosting.metrics import SHORT
from penstock.jobs.follow import Follower


class Counting:
    """ASGI middleware that keeps the metrics in `registry`, which /metrics shows."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._requests = Counter(
            "penstock_http_requests", "Requests answered.", ("route", "method", "status"), registry=registry
        )
        self._first_byte = Histogram(
            "penstock_http_first_byte_seconds",
            "From the request to the first byte of the answer's body.",
            ("route",),
            registry=registry,
        )
        self._open = Gauge("penstock_http_open", "Requests and streams being answered.", registry=registry)
        self._sent = Counter("penstock_http_body_bytes", "Bytes of bodies sent.", ("route",), registry=registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, first, sent = perf_counter(), 0, 0.0, 0

        async def counting(message: Message) -> None:
            nonlocal status, first, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            elif body := message.get("body"):
                first = first or perf_counter()
                sent += len(body)
            await send(message)

        try:
            with self._open.track_inprogress():
                await self._app(scope, receive, counting)
        finally:
            # a path that no route has is one series, not one for each guess
            route = getattr(scope.get("route"), "path", "none")
            self._requests.labels(route, scope["method"], status).inc()
            self._sent.labels(route).inc(sent)
            if first:
                self._first_byte.labels(route).observe(first - began)


class StreamMetrics:
    """Of the answers that grow."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._open = Gauge("penstock_streams_open", "Streams being answered.", ("format",), registry=registry)
        self._delay = Histogram(
            "penstock_stream_delay_seconds",
            "From the model's piece, as it came to a worker, until the stream's socket has taken it.",
            ("format",),
            registry=registry,
            buckets=SHORT,
        )
        read_again = "Times that a reader was so slow that it has to read the rest from NATS."
        self.read_again = Counter("penstock_stream_rereads", read_again, registry=registry).inc
        slow = "Readers that were cut off, since they took nothing for PENSTOCK_WRITE_TIMEOUT."
        self.slow_reader = Counter("penstock_http_slow_readers", slow, registry=registry).inc

    @contextmanager
    def stream(self, wanted: str, follower: Follower) -> Iterator[Callable[[bool], None]]:
        """Around a stream. To be called for each piece that was made of events: whether there was anything to send."""
        delay = self._delay.labels(wanted)

        def sent(anything: bool) -> None:
            received, follower.received = follower.received, None
            if received is not None and anything:
                delay.observe(max(0.0, follower.now() - received))

        with self._open.labels(wanted).track_inprogress():
            yield sent
