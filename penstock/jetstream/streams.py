"""The streams and durable consumers, declared in one place: by `penstock up`, or at deploy by `penstock streams`.

Services only bind to them. Declaring again brings an existing stream up to date.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from nats.js import JetStreamContext, api
from nats.js.errors import APIError

from penstock.contracts.waiting import signal_key
from penstock.errors import Misconfigured
from penstock.installed import __version__
from penstock.jetstream import repartitioning, subjects
from penstock.jetstream.partitions import DECLARED, Partitions, stream_of
from penstock.jetstream.plan import DECLARED_BY, Planned, planned
from penstock.jetstream.subjects import EVERY, LANES
from penstock.pattern import Pattern
from penstock.patterns.loading import load, steps_by_service
from penstock.settings import Settings

_DAY, _HOUR = 86_400.0, 3_600.0
#: Sixty-fourths of PENSTOCK_STORE_BYTES that each stream may hold.
_SHARES: dict[str, float] = {
    subjects.JOBS: 7.5,
    subjects.TURNS: 0.5,
    subjects.STEPS: 8,
    subjects.JOURNAL: 15,
    subjects.EVENTS: 17.5,
    subjects.TIMERS: 3,
    subjects.CACHE: 4,
    subjects.HOOKS: 2,
    subjects.DEAD: 2,
    subjects.MODELS: 0.5,
    subjects.KEYS: 0.5,
    subjects.COUNTERS: 0.5,
    subjects.SPENDING: 0.5,
    subjects.LIMITS: 0.5,
    subjects.USAGE: 2,
}
#: The server's error number where it has less room than a stream is to hold: that much is reserved for it.
_NO_ROOM = 10047
#: Consumers declared at once.
_AT_ONCE = 32
#: Seconds within which a repeated dead letter or hook with the same Nats-Msg-Id is dropped.
_DEDUPE = 120.0
#: All replicas of one consumer together may hold this many unacknowledged messages.
_MAX_ACK_PENDING = 20_000


def stream_configs(settings: Settings) -> list[api.StreamConfig]:
    """One StreamConfig per row of the table in penstock.jetstream.subjects, and partition of it."""
    partitions = Partitions(settings.partitions)
    kept = {
        "max_age": settings.jobs_max_age_days * _DAY,
        "max_msgs_per_subject": 1,
        "discard": api.DiscardPolicy.NEW,
        "discard_new_per_subject": True,
    }
    queue = {"retention": api.RetentionPolicy.WORK_QUEUE, **kept}
    log = {"max_age": settings.events_max_age_hours * _HOUR, "discard": api.DiscardPolicy.OLD}
    schedules = {
        "discard": api.DiscardPolicy.OLD,
        "discard_new_per_subject": False,
        "allow_msg_schedules": True,
        "allow_rollup_hdrs": True,  # NATS sets it where there are schedules
    }
    replies = {
        "max_age": settings.cache_ttl,
        "max_msgs_per_subject": 1,
        "discard": api.DiscardPolicy.OLD,
        "duplicate_window": min(_DEDUPE, settings.cache_ttl),
        "republish": api.RePublish(*subjects.CACHED),
    }
    bucket = {
        "discard": api.DiscardPolicy.NEW,
        "max_msgs_per_subject": 1,
        "allow_rollup_hdrs": True,
        "deny_delete": True,
    }
    latest = {"max_msgs_per_subject": 1, "discard": api.DiscardPolicy.OLD}
    models = [subjects.model_permit("*", "*"), subjects.model_pace("*"), subjects.model_pause("*")]
    # a month's are there to its end
    numbers = {"max_age": 32 * _DAY, **latest}
    limits = {**numbers, "allow_msg_ttl": True, "republish": api.RePublish(*subjects.LIMITS_CHANGED)}
    spending = {"max_age": settings.jobs_max_age_days * _DAY, **latest, "allow_msg_counter": True}
    totals = {"max_age": settings.usage_days * _DAY, "max_msgs_per_subject": 1, "discard": api.DiscardPolicy.OLD}
    facts = [subjects.journal(EVERY, key) for key in ("*", "*.*")]
    table: list[tuple[str, list[str], dict[str, Any]]] = [
        (subjects.JOBS, [subjects.job("*", EVERY)], kept),
        (subjects.TURNS, [subjects.turn("*", "*", EVERY)], queue),
        (subjects.STEPS, [subjects.step("*", "*", "*", EVERY, "*", lane="*")], queue),
        (subjects.JOURNAL, facts, {**kept, "republish": api.RePublish(*subjects.FACTS)}),
        (subjects.EVENTS, [subjects.events(EVERY)], {**log, "republish": api.RePublish(*subjects.LIVE)}),
        (subjects.HOOKS, [subjects.hook(EVERY)], queue),
        (subjects.TIMERS, [subjects.timer(EVERY, "*"), subjects.due(EVERY, "*")], {**queue, **schedules}),
        (subjects.MODELS, models, latest),
        (subjects.CACHE, [subjects.cached("*", "*")], replies),
        (subjects.USAGE, [subjects.usage("*", "*-*"), subjects.USAGE_PLACE], totals),
        (subjects.DEAD, [subjects.dead(">")], {"max_age": 30 * _DAY, "discard": api.DiscardPolicy.OLD}),
        (subjects.KEYS, [subjects.key(">")], {**bucket, "republish": api.RePublish(*subjects.KEYS_CHANGED)}),
        (subjects.COUNTERS, [subjects.counter(">")], {**numbers, "allow_msg_counter": True}),
        (subjects.SPENDING, [subjects.counter(job=">")], spending),
        (subjects.LIMITS, [subjects.rate("*"), subjects.places("*")], limits),
    ]
    declared = {DECLARED_BY: __version__} | ({DECLARED: str(partitions.count)} if partitions.count > 1 else {})
    found = []
    for name, stored, config in table:
        streams = partitions.streams(name)
        for number, stream in enumerate(streams):
            own = dict(config)
            if told := config.get("republish"):
                own["republish"] = api.RePublish(partitions.each(told.src)[number], told.dest)
            found.append(
                api.StreamConfig(
                    name=stream,
                    subjects=[partitions.each(subject)[number] for subject in stored],
                    storage=api.StorageType.FILE,
                    max_bytes=int(settings.store_bytes * _SHARES[name] / 64 / len(streams)),
                    num_replicas=settings.stream_replicas,
                    allow_direct=True,
                    metadata=declared,
                    **{"duplicate_window": _DEDUPE, **own},
                )
            )
    return found


def consumer_configs(
    settings: Settings, patterns: Mapping[str, Pattern[Any, Any]]
) -> list[tuple[str, api.ConsumerConfig]]:
    """(stream, durable consumer) pairs: for jobs, signals, timers and hooks, and for each lane of a kind of step.

    In each partition of their stream.

    `max_deliver` is unlimited, since a work queue keeps a message past it for ever: deliveries are
    counted by the service that receives one (penstock.steps, penstock.runs).
    """

    def durable(name: str, subject: str) -> list[tuple[str, api.ConsumerConfig]]:
        return [
            (
                stream_of(stored),
                api.ConsumerConfig(
                    durable_name=name,
                    filter_subject=stored,
                    ack_policy=api.AckPolicy.EXPLICIT,
                    ack_wait=settings.ack_wait,
                    max_deliver=-1,
                    # a hook that waits hours for its next try counts as pending; a limit would stop all the others
                    max_ack_pending=-1 if name == subjects.HOOKS_CONSUMER else _MAX_ACK_PENDING,
                    max_waiting=4096,
                ),
            )
            for stored in Partitions(settings.partitions).each(subject)
        ]

    return [
        *durable(subjects.AGGREGATOR, subjects.job("*", EVERY)),
        *(one for lane in LANES for one in durable(subjects.turns_consumer(lane), subjects.turn(lane, "*", EVERY))),
        *durable(subjects.SIGNALS_CONSUMER, subjects.journal(EVERY, signal_key("*"))),
        *durable(subjects.TIMERS_CONSUMER, subjects.due(EVERY, "*")),
        *durable(subjects.HOOKS_CONSUMER, subjects.hook(EVERY)),
        *(
            one
            for service, steps in steps_by_service(patterns).items()
            for kind in ((service, pattern.name, step.name) for pattern, step in steps.values())
            for lane in LANES
            for one in durable(subjects.step_consumer(*kind, lane), subjects.step(*kind, EVERY, "*", lane=lane))
        ),
    ]


async def plan(jetstream: JetStreamContext, settings: Settings) -> list[Planned]:
    """What `declare` would do. Raises Misconfigured where the server refuses to tell."""
    consumers = consumer_configs(settings, load(settings.patterns))
    try:
        there = await repartitioning.declared(jetstream._nc)
        others = repartitioning.streams_of(there) if there and there.count != settings.partitions else []
        return await planned(jetstream._nc, stream_configs(settings), consumers, without=others)
    except APIError as error:
        raise Misconfigured(f"NATS does not tell what there is: {error.description}") from error


async def declare(jetstream: JetStreamContext, settings: Settings, *, allow_data_loss: bool = False) -> list[Planned]:
    """Create or update all streams and consumers; returns what was done.

    Raises Misconfigured where the server refuses, with the server's reason; and, before anything is changed, where that
    would lose data or a newer release has declared the streams, unless `allow_data_loss`; and where there would be
    another number of partitions, and those there are hold anything, in any case.
    """
    there = await plan(jetstream, settings)
    if not allow_data_loss:
        _refuse_losses(there)
    configs = {str(config.name): config for config in stream_configs(settings)}
    durable = {
        (stream, str(config.durable_name)): config
        for stream, config in consumer_configs(settings, load(settings.patterns))
    }
    declared: str | None = None
    try:
        if any(one.action == "remove" for one in there) and (old := await repartitioning.declared(jetstream._nc)):
            await repartitioning.remove(jetstream, old, settings.partitions)
        for one in there:
            if one.consumer is None and one.action in ("create", "change"):
                declared = str(one)
                await (jetstream.add_stream if one.action == "create" else jetstream.update_stream)(configs[one.stream])
        some = [(one.stream, one.consumer) for one in there if one.consumer and one.action in ("create", "change")]
        for begin in range(0, len(some), _AT_ONCE):
            now = some[begin : begin + _AT_ONCE]
            declared = f"a consumer, one of {now[0][1]} to {now[-1][1]}"
            await asyncio.gather(*(jetstream.add_consumer(one[0], durable[one]) for one in now))
    except APIError as error:
        how = ""
        if error.err_code == _NO_ROOM:
            how = (
                f". It reserves PENSTOCK_STORE_BYTES={settings.store_bytes} for all streams: lower that, or raise its"
                " max_file_store (not set: three quarters of what was free on its disk at its start)"
            )
        raise Misconfigured(f"NATS refuses {declared}: {error.description}{how}") from error
    return there


def _refuse_losses(there: list[Planned]) -> None:
    anyway = "`penstock streams --allow-data-loss` does it all the same"
    if newer := next((one for one in there if one.newer), None):
        why = f"{newer} was declared by Penstock {newer.newer}, and this is {__version__}"
        raise Misconfigured(f"{why}: declaring it again would take back what the newer release needs; {anyway}")
    if losses := [loss for one in there for loss in one.losses]:
        raise Misconfigured("\n  ".join([f"this would lose data, so nothing was changed; {anyway}:", *losses]))
