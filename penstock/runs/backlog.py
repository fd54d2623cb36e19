"""What waits in the whole system, and what NATS holds, for /metrics of aggregators. Each of them shows the same."""

import asyncio
import json
import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence

import nats.errors
from nats.js.api import ConsumerInfo
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from penstock.cancelling import stop
from penstock.contracts.waiting import shift_key
from penstock.jetstream import subjects
from penstock.jetstream.asking import asked, consumers_of, streams
from penstock.jetstream.bus import Bus
from penstock.jetstream.consumers import delivered
from penstock.jetstream.partitions import logical_stream, stream_of
from penstock.jobs.lookup import unix
from penstock.jobs.queued import state_of

log = logging.getLogger(__name__)

#: Seconds between two looks, after which what was seen is not shown any more, and that an answer may take.
_LOOK, _STALE, _PATIENCE = 5.0, 30.0, 2.0
#: Looks between two counts of parked jobs: the server names each.
_RARELY = 6
_QUEUES = {subjects.JOBS: "aggregator", subjects.TURNS: "aggregator", subjects.HOOKS: "webhooks"}
_OF_QUEUE = ("service", "pattern", "step", "lane")

#: Of the whole system, each.
_HELP = {
    "penstock_backlog": "What nobody has begun: steps; jobs (service=aggregator; without a lane until they have one); "
    "webhooks.",
    "penstock_backlog_oldest_seconds": "How long the first of it has waited; 0 where there is none.",
    "penstock_backlog_served": "Whether any worker asks for steps of this kind, or has some: 1 or 0.",
    "penstock_jobs_parked": "Jobs that wait for a signal or for a time and are in nobody's memory.",
    "penstock_dead_letters": "Messages in DEAD: `penstock dead` lists them.",
    "penstock_stream_bytes": "What a stream of NATS holds; each partition is one.",
    "penstock_stream_limit_bytes": "What it may hold.",
}
_LABELS = {
    "penstock_backlog": _OF_QUEUE,
    "penstock_backlog_oldest_seconds": _OF_QUEUE,
    "penstock_backlog_served": _OF_QUEUE[:3],
    "penstock_stream_bytes": ("stream",),
    "penstock_stream_limit_bytes": ("stream",),
}

#: Of a metric: label values -> value.
_Values = dict[str, dict[tuple[str, ...], float]]


class BacklogMetrics(Collector):
    """Shows what was seen last, while that is news."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._values: _Values = {}
        self._seen_at = float("-inf")
        registry.register(self)

    def show(self, values: _Values) -> None:
        self._values, self._seen_at = values, time.monotonic()

    def describe(self) -> Iterator[Metric]:
        return (GaugeMetricFamily(name, text, labels=_LABELS.get(name, ())) for name, text in _HELP.items())

    def collect(self) -> Iterator[Metric]:
        for family in self.describe():
            if time.monotonic() - self._seen_at < _STALE and isinstance(family, GaugeMetricFamily):
                for labels, value in self._values.get(family.name, {}).items():
                    family.add_metric(labels, value)
                yield family


class Backlog:
    """Looks from `start` to `stop`: a few requests every 5 s, and one for each queue that has another first message."""

    def __init__(self, bus: Bus, metrics: BacklogMetrics) -> None:
        self._bus, self._metrics = bus, metrics
        self._steps: Sequence[ConsumerInfo] = ()
        #: Of each consumer the first message that nobody had: its sequence and time.
        self._firsts: dict[tuple[str, str], tuple[int, float]] = {}
        self._parked: dict[tuple[str, ...], float] = {}
        self._looking: asyncio.Task[None] | None = None

    def saw(self, consumers: Sequence[ConsumerInfo]) -> None:
        """All consumers of STEPS, as somebody else has just listed them."""
        self._steps = consumers

    async def start(self) -> None:
        self._looking = asyncio.create_task(self._look_on())

    async def stop(self) -> None:
        if self._looking is not None:
            await stop(self._looking)

    async def _look_on(self) -> None:
        looks = 0
        while True:
            try:
                await self.look(count_parked=looks % _RARELY == 0)
                looks += 1
            except (nats.errors.Error, OSError, KeyError, ValueError, TimeoutError) as error:
                log.debug("could not look at what waits: %r", error)
            except Exception:
                log.exception("could not look at what waits; trying on")
            await asyncio.sleep(_LOOK)

    async def look(self, *, count_parked: bool = True) -> None:
        """Show what is there now."""
        values: _Values = defaultdict(dict)
        kinds: dict[tuple[str, ...], list[ConsumerInfo]] = defaultdict(list)
        for info in self._steps:
            *kind, _ = names = tuple(info.name.split("="))
            kinds[tuple(kind)].append(info)
            await self._add(values, info, names)
        for labels, lanes in kinds.items():
            values["penstock_backlog_served"][labels] = float(state_of(lanes)["served"])
        for name, service in _QUEUES.items():
            for stream in self._bus.partitions.streams(name):
                async for one in consumers_of(self._bus.connection, stream):
                    info = ConsumerInfo.from_response(one)
                    lane = info.name.partition("=")[2]
                    if service == "webhooks" or info.name == subjects.AGGREGATOR or lane in subjects.LANES:
                        await self._add(values, info, (service, "", "", lane))
        async for held in streams(self._bus.connection):
            name = held["config"]["name"]
            if logical_stream(name) in subjects.STREAMS:
                values["penstock_stream_bytes"][name,] = held["state"]["bytes"]
                values["penstock_stream_limit_bytes"][name,] = held["config"]["max_bytes"]
            if name == subjects.DEAD:
                values["penstock_dead_letters"][()] = held["state"]["messages"]
        if count_parked:
            self._parked = {(): await self._count_parked()}
        values["penstock_jobs_parked"] = self._parked
        self._metrics.show(values)

    async def _add(self, values: _Values, info: ConsumerInfo, labels: tuple[str, ...]) -> None:
        """To what is known of the same queue in other partitions."""
        waiting = info.num_pending or 0
        depths, oldest = values["penstock_backlog"], values["penstock_backlog_oldest_seconds"]
        depths[labels] = depths.get(labels, 0) + waiting
        age = self._bus.time.now() - await self._first(info) if waiting else 0.0
        oldest[labels] = max(oldest.get(labels, 0.0), age)

    async def _first(self, info: ConsumerInfo) -> float:
        """When the first of those came that nobody has."""
        sequence, at = self._firsts.get((info.stream_name, info.name), (0, 0.0))
        if sequence <= delivered(info):
            query = json.dumps({"next_by_subj": info.config.filter_subject, "seq": delivered(info) + 1}).encode()
            first = await self._bus.connection.request(f"$JS.API.DIRECT.GET.{info.stream_name}", query, _PATIENCE)
            headers = first.headers or {}
            if "Nats-Sequence" not in headers:  # somebody has just taken it
                return self._bus.time.now()
            sequence, at = int(headers["Nats-Sequence"]), unix(headers["Nats-Time-Stamp"])
            self._firsts[info.stream_name, info.name] = sequence, at
        return at

    async def _count_parked(self) -> int:
        """Jobs with more shifts that park them than such that take them up again."""
        every = subjects.journal(subjects.EVERY, shift_key("*"))
        parked = 0
        for subject in self._bus.partitions.each(every):
            about = f"STREAM.INFO.{stream_of(subject)}"
            found = await asked(self._bus.connection, about, patience=_PATIENCE, subjects_filter=subject)
            numbers = (int(one.rpartition(".")[2]) for one in found["state"].get("subjects") or ())
            parked += sum(-1 if number % 2 else 1 for number in numbers)
        return parked
