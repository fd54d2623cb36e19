"""The gateway: HTTP in, a job's events back out. Any number of replicas; it keeps no state."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, make_asgi_app

from penstock import __version__
from penstock.connection import check_server, connect
from penstock.patterns.loading import load
from penstock.settings import Settings
from services.gateway import health, job_routes, pattern_routes, problems
from services.gateway.state import Gateway


def build(settings: Settings, draining: asyncio.Event) -> FastAPI:
    """The ASGI application. `draining` is set when the server is to end: streams are cut, to be resumed elsewhere."""
    gateway = Gateway(settings, load(settings.patterns), draining)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        gateway.bus = await connect(settings, "penstock-gateway")
        try:
            await check_server(gateway.bus, settings)
            yield
        finally:
            await gateway.bus.connection.close()

    app = FastAPI(
        title="Penstock",
        version=__version__,
        summary="LLM agent patterns as streamed, durable jobs.",
        lifespan=lifespan,
        redoc_url=None,
    )
    problems.install(app)
    pattern_routes.install(app, gateway)
    job_routes.install(app, gateway)
    health.install(app, gateway)
    metrics: Any = make_asgi_app(CollectorRegistry())
    app.mount("/metrics", metrics)
    return app
