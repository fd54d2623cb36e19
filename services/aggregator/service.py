"""The aggregator: runs the pattern coroutines. Any number of replicas; each holds up to `runs` jobs."""

from penstock import subjects
from penstock.bus import Bus
from penstock.engine.handler import JobHandler
from penstock.patterns.loading import load
from penstock.service import Service
from penstock.settings import Settings


def build(settings: Settings) -> Service:
    service = Service("aggregator", settings, slots=settings.runs)
    patterns = load(settings.patterns)

    async def start(bus: Bus) -> None:
        handler = JobHandler(bus=bus, patterns=patterns, settings=settings)
        service.consume(subjects.JOBS, subjects.AGGREGATOR, "jobs.*.*", handler.handle)

    service.on_start(start)
    return service
