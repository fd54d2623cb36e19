"""The gateway: HTTP in, a job's events back out. Any number of replicas; it keeps no state."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.responses import PlainTextResponse

from penstock.errors import Misconfigured
from penstock.fleet.presence import Presence
from penstock.hosting import health, server
from penstock.installed import __version__
from penstock.jetstream.connection import check_server, connect
from penstock.patterns.loading import load
from penstock.settings import Settings
from penstock_gateway import (
    asked,
    authentication,
    dead_letter_routes,
    documents,
    fleet_routes,
    job_routes,
    openapi,
    parameters,
    pattern_routes,
    problems,
    timeline,
    usage_routes,
)
from penstock_gateway.caller_limits import TellStanding
from penstock_gateway.correlating import Correlating
from penstock_gateway.cors import shared_with
from penstock_gateway.edge import Edge, allowed_hosts
from penstock_gateway.metrics import Counting
from penstock_gateway.state import Gateway
from penstock_gateway.streaming import not_about_aborting

uvicorn_log = logging.getLogger("uvicorn.error")

#: First segments of the gateway's own paths.
_OWN = frozenset(
    (
        *("jobs", "patterns", "usage", "fleet", "dead-letters", "docs", "console", "openapi", "asyncapi"),
        *("livez", "readyz", "metrics"),
    )
)
_HEALTH = {"/livez": "Is it alive?", "/readyz": "Can it serve?", "/metrics": "Metrics, for Prometheus"}
_ANSWERS: dict[str, openapi.Responses] = {
    "/readyz": {
        503: {"description": "Not connected to NATS, a clock that is wrong, or going down; the text says which."}
    },
    "/metrics": openapi.problems(),
}


def build(settings: Settings, draining: asyncio.Event) -> FastAPI:
    """The ASGI application. `draining` is set when the server is to end: streams are aborted, to be resumed elsewhere.

    Raises Misconfigured where a pattern is called like a path of the gateway.
    """
    patterns = load(settings.patterns)
    if clash := _OWN & patterns.keys():
        raise Misconfigured(f"a pattern cannot be called {', '.join(sorted(clash))}: the gateway has that path")
    gateway = Gateway(settings, patterns, draining)

    def now() -> dict[str, Any]:
        return {
            "trouble": gateway.trouble(),
            "in_flight": round(gateway.registry.get_sample_value("penstock_http_open") or 0),
        }

    presence = Presence("gateway", gateway.registry, now, patterns=tuple(patterns))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Callable[[], None]]]:
        bus = await connect(settings, "penstock-gateway")
        uvicorn_log.addFilter(not_about_aborting)
        try:
            await check_server(bus, settings)
            gateway.connected(bus)
            await presence.start(bus)
            async with gateway.keyring.kept():
                authentication.refuse_unguarded(settings, gateway.keyring)
                gateway.process.start()
                # penstock.hosting.http_connection calls it
                yield {"slow_reader": gateway.streams.slow_reader}
            await gateway.admission.aclose()
        finally:
            gateway.process.stop()
            uvicorn_log.removeFilter(not_about_aborting)
            await bus.connection.close()

    app = FastAPI(
        title="Penstock",
        version=__version__,
        summary="LLM agent patterns as streamed, durable jobs.",
        lifespan=lifespan,
        openapi_url=None,  # documents.py serves it
        redirect_slashes=False,
        dependencies=[Depends(gateway.admit), Depends(parameters.no_others)],
    )
    app.state.gateway = gateway
    app.add_middleware(TellStanding)
    app.add_middleware(authentication.Authentication, gateway=gateway)
    app.add_middleware(Edge, hosts=allowed_hosts(settings.allowed_hosts, settings.host), origins=settings.cors_origins)
    app.add_middleware(Counting, registry=gateway.registry)
    app.add_middleware(Correlating)
    problems.install(app, patterns)
    pattern_routes.install(app, gateway)
    job_routes.install(app, gateway)
    timeline.install(app, gateway)
    asked.install(app, gateway)
    usage_routes.install(app, gateway)
    fleet_routes.install(app, gateway)
    dead_letter_routes.install(app, gateway)
    for path, endpoint in health.endpoints(gateway.trouble, gateway.registry).items():
        described: dict[str, Any] = {"operation_id": path[1:], "responses": _ANSWERS.get(path)}
        described["openapi_extra"] = openapi.FOR_ALL if path in authentication.FOR_ALL else None
        app.get(path, tags=["health"], summary=_HEALTH[path], response_class=PlainTextResponse, **described)(endpoint)
    documents.install(app, gateway)
    # around all of it: pages are to read a fault's answer, too
    app.middleware_stack = shared_with(app.build_middleware_stack(), settings.cors_origins)
    return app


def serve(settings: Settings) -> None:
    """`penstock serve gateway`."""
    draining = asyncio.Event()
    server.serve(lambda: build(settings, draining), settings, "gateway", port=8080, draining=draining.set)
