"""What the gateway counts. Labels are routes and formats, never jobs: their number does not grow with use."""

from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send


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
