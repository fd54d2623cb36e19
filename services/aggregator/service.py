"""The aggregator: runs the pattern coroutines. Any number of replicas; each holds up to `runs` jobs.

It also delivers webhooks, and answers the request-reply endpoints of NATS callers.
"""

from penstock import subjects
from penstock.bus import Bus
from penstock.engine.handler import JobHandler
from penstock.nats_api import NatsApi
from penstock.patterns.loading import load
from penstock.service import Service
from penstock.settings import Settings
from penstock.webhooks.dispatcher import Dispatcher


def build(settings: Settings) -> Service:
    service = Service("aggregator", settings, slots=settings.runs)
    patterns = load(settings.patterns)

    async def start(bus: Bus) -> None:
        handler = JobHandler(bus=bus, patterns=patterns, settings=settings)
        service.consume(subjects.JOBS, subjects.AGGREGATOR, subjects.job("*", "*"), handler.handle)
        for part in (Dispatcher(bus, settings), NatsApi(bus, patterns, settings)):
            service.on_stop(part.stop)
            await part.start()

    service.on_start(start)
    return service
