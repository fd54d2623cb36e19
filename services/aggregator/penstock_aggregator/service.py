"""The aggregator: runs the pattern coroutines. Any number of replicas; each holds up to `runs` jobs.

It also delivers webhooks, adds up what was used, and answers the request-reply endpoints of NATS callers.
"""

from penstock.contracts.waiting import signal_key
from penstock.hosting import server
from penstock.hosting.service import Service
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.subjects import EVERY, LANES
from penstock.nats_api.endpoints import NatsApi
from penstock.patterns.loading import load
from penstock.runs.backlog import Backlog, BacklogMetrics
from penstock.runs.handler import JobHandler
from penstock.runs.metrics import JobMetrics
from penstock.runs.queued import QueueTeller
from penstock.settings import Settings
from penstock.usage import Folding
from penstock.webhooks.admission import check_budget_webhook
from penstock.webhooks.delivery import Dispatcher
from penstock.webhooks.metrics import WebhookMetrics


def build(settings: Settings) -> Service:
    check_budget_webhook(settings)
    patterns = load(settings.patterns)

    async def start(service: Service, bus: Bus) -> None:
        service.about = lambda: {"patterns": tuple(patterns)}
        handler = JobHandler(bus=bus, patterns=patterns, settings=settings)
        handler.tell_end = of_jobs.ended
        jobs = subjects.job("*", EVERY)
        service.consume(subjects.JOBS, subjects.AGGREGATOR, jobs, handler.handle, aside=handler.turns.queue)
        lanes = {subjects.turns_consumer(lane): weight for lane, weight in LANES.items()}
        service.consume(subjects.TURNS, lanes, subjects.turn("*", "*", EVERY), handler.handle)
        signals = subjects.journal(EVERY, signal_key("*"))
        first = LANES[subjects.HIGH]  # who only goes on with what was begun
        service.consume(subjects.JOURNAL, {subjects.SIGNALS_CONSUMER: first}, signals, handler.wake)
        service.consume(subjects.TIMERS, {subjects.TIMERS_CONSUMER: first}, subjects.due(EVERY, "*"), handler.wake)
        await handler.versions.start()
        service.leaving.append(handler.versions.stop)
        backlog = Backlog(bus, of_backlog)
        for part in (
            Dispatcher(bus, settings, of_webhooks),
            NatsApi(bus, patterns, settings),
            QueueTeller(bus, backlog.saw),
            backlog,
            Folding(bus),
        ):
            service.app.on_shutdown(part.stop)
            await part.start()

    service = Service("aggregator", settings, start, slots=settings.runs)
    of_jobs, of_webhooks = JobMetrics(service.registry, patterns), WebhookMetrics(service.registry)
    of_backlog = BacklogMetrics(service.registry)
    return service


def serve(settings: Settings) -> None:
    """`penstock serve aggregator`."""
    server.serve(lambda: build(settings).app, settings, "aggregator")
