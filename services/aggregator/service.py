"""The aggregator: runs the pattern coroutines, and tells their ends. Any number; each holds up to `runs` jobs."""

from penstock import subjects
from penstock.bus import Bus
from penstock.engine.handler import JobHandler
from penstock.patterns.loading import load
from penstock.service import Service
from penstock.settings import Settings
from penstock.webhooks.dispatcher import Dispatcher


def build(settings: Settings) -> Service:
    service = Service("aggregator", settings, slots=settings.runs)
    patterns = load(settings.patterns)

    async def start(bus: Bus) -> None:
        handler = JobHandler(bus=bus, patterns=patterns, settings=settings)
        service.consume(subjects.JOBS, subjects.AGGREGATOR, "jobs.*.*", handler.handle)
        webhooks = Dispatcher(bus, settings)
        service.on_stop(webhooks.stop)
        await webhooks.start()

    service.on_start(start)
    return service
