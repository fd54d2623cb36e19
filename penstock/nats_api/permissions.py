"""What each service may do at the NATS server: made of the table of channels, and of what each reads.

A service may publish where it is a sender in penstock.nats_api.channels, and is heard where it is a receiver. So a
subject that is not in that table is nobody's, and the AsyncAPI document says the same as the server enforces. Beside
that each has the requests to JetStream that its code makes, and no other: streams and their durable consumers are the
operator's, which is who runs `penstock streams`, `keys` and `dead`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.jetstream import subjects
from penstock.jetstream.connection import inbox
from penstock.jetstream.streams import consumer_configs
from penstock.nats_api.channels import Channel, channels
from penstock.pattern import Pattern
from penstock.patterns.loading import steps_by_service
from penstock.settings import Settings

GATEWAY, AGGREGATOR, OPERATOR = "gateway", "aggregator", "operator"
_JS = "$JS.API"
#: Where NATS alone publishes: what is heard there was stored.
REPUBLISHED = tuple(
    told for _, told in (subjects.FACTS, subjects.LIVE, subjects.CACHED, subjects.KEYS_CHANGED, subjects.LIMITS_CHANGED)
)
#: The streams whose messages each reads. Nobody but a gateway needs the callers' keys.
READS = {
    GATEWAY: (
        *(subjects.JOBS, subjects.TURNS, subjects.STEPS, subjects.JOURNAL, subjects.EVENTS, subjects.DEAD),
        *(subjects.MODELS, subjects.KEYS, subjects.COUNTERS, subjects.SPENDING, subjects.LIMITS, subjects.USAGE),
        subjects.HOOKS,
    ),
    AGGREGATOR: (
        *(subjects.JOBS, subjects.TURNS, subjects.STEPS, subjects.JOURNAL, subjects.EVENTS, subjects.HOOKS),
        *(subjects.TIMERS, subjects.COUNTERS, subjects.SPENDING, subjects.LIMITS, subjects.USAGE),
    ),
}
_READS_OF_EXECUTORS = (
    *(subjects.JOURNAL, subjects.EVENTS, subjects.CACHE, subjects.MODELS),
    *(subjects.COUNTERS, subjects.SPENDING),
)
#: Where an answer goes to whoever asked from another account: a place that the server makes for each request.
ANSWERS = "_R_.>"
#: Parameters of addresses that stand for any number of tokens.
_MANY = ("{counter}", "{origin}")


@dataclass(frozen=True)
class Rights:
    """Subjects of one user.

    None has the server's `allow_responses`, which goes before what is denied: whoever has it sends itself a message,
    names any subject as the place of the answer, and may publish there.
    """

    publish: tuple[str, ...]
    deny: tuple[str, ...]
    subscribe: tuple[str, ...]


def services(patterns: Mapping[str, Pattern[Any, Any]]) -> list[str]:
    return [GATEWAY, AGGREGATOR, *executors(patterns)]


def executors(patterns: Mapping[str, Pattern[Any, Any]]) -> list[str]:
    """Those that run authors' code and ask models: what stands furthest out."""
    return list(steps_by_service(patterns))


def rights(service: str, patterns: Mapping[str, Pattern[Any, Any]], settings: Settings) -> Rights:
    if service == OPERATOR:  # the inbox is its own, all the same
        return Rights((">",), REPUBLISHED, (">",))
    table = channels(patterns)
    sent = _unique(wildcard(one) for one in table if service in one.senders)
    others = _unique(wildcard(one) for one in table if service not in one.senders)
    heard = [wildcard(one) for one in table if service in one.receivers and not _is_stored(one)]
    return Rights(
        publish=_unique([*sent, *_requests(service, patterns, settings), *_answers(service), *_among(service)]),
        # a step's key and the job's own look alike, `journal.<tenant>.<job>.<key>`: it is the more special that counts
        deny=_unique(
            [*_others(service), *(one for one in others if any(within(one, wide) for wide in sent)), *REPUBLISHED]
        ),
        subscribe=_unique([*heard, *_heard_among(service), f"{inbox(service)}.>"]),
    )


def wildcard(channel: Channel) -> str:
    """All subjects of a channel; of what is republished, of any key."""
    first = channel.address.partition(".")[0]
    if (all_told := f"{first}.>") in REPUBLISHED:
        return all_told
    address = channel.address
    for many in _MANY:
        address = address.removesuffix(many) + ">" if address.endswith(many) else address
    return re.sub(r"\{[^.]+\}", "*", address)


def _is_stored(channel: Channel) -> bool:
    """What is received from a stream is asked of JetStream, not heard."""
    return subjects.stream_of(channel.address) in subjects.STREAMS


def _answers(service: str) -> list[str]:
    """Where a service answers. Gateways are asked by gateways alone."""
    if service == GATEWAY:
        return [f"{inbox(service)}.>"]
    asking = (GATEWAY, OPERATOR) if service == AGGREGATOR else ()
    return [*(f"{inbox(one)}.>" for one in (service, *asking)), ANSWERS]


def _among(service: str) -> list[str]:
    """What is not in the table, since no caller is concerned: aggregators ask each other for versions of patterns."""
    return [subjects.api("runs", ">")] if service == AGGREGATOR else []


def _heard_among(service: str) -> list[str]:
    """The same, the discovery of the request-reply service (ADR-32 of NATS), and hints."""
    told = {
        AGGREGATOR: [subjects.api("runs", ">"), subjects.api("submit", "*", "*"), "$SRV.>"],
        GATEWAY: [subjects.KEYS_CHANGED[1]],
    }
    # that a model is paused is a hint, heard as it is published: what is stored of it is read
    return told.get(service, [subjects.model_pause("*")])


def _requests(service: str, patterns: Mapping[str, Pattern[Any, Any]], settings: Settings) -> list[str]:
    """To JetStream. Every service sees at its start that all streams are there."""
    reads = READS.get(service, _READS_OF_EXECUTORS)
    found = [f"{_JS}.STREAM.INFO.{stream}" for stream in subjects.STREAMS]
    found += [f"{_JS}.{how}.{stream}" for stream in reads for how in ("STREAM.MSG.GET", "DIRECT.GET")]
    for stream, durable in _consumed(service, patterns, settings):
        found += [f"{_JS}.CONSUMER.MSG.NEXT.{stream}.{durable}", f"$JS.ACK.{stream}.{durable}.>"]
    if service not in READS:
        lent = [subjects.model_permits_consumer(model) for model in settings.permits]
        found += [f"{_JS}.CONSUMER.INFO.{subjects.MODELS}.{durable}" for durable in lent]
        # whether a warning of a budget is queued already
        found += [f"{_JS}.STREAM.MSG.GET.{subjects.HOOKS}"]
    if service in (GATEWAY, AGGREGATOR):  # what waits, for limits, lists and metrics
        found += [f"{_JS}.INFO", f"{_JS}.CONSUMER.INFO.*.*", f"{_JS}.CONSUMER.LIST.*"]
    if service == AGGREGATOR:
        found += [f"{_JS}.STREAM.LIST"]
    if service == GATEWAY:  # the list of jobs is read by consumers of its own, admins remove dead letters
        jobs = f"{subjects.JOBS}.*"
        found += [f"{_JS}.CONSUMER.{what}.{jobs}" for what in ("MSG.NEXT", "RESET", "DELETE")]
        found += [f"{_JS}.CONSUMER.CREATE.{subjects.JOBS}", f"{_JS}.CONSUMER.CREATE.{subjects.JOBS}.>"]
        found += [f"{_JS}.STREAM.MSG.DELETE.{subjects.DEAD}"]
    return found


def _others(service: str) -> list[str]:
    """Requests that look like a service's own, and are about another's consumer."""
    whats = ("MSG.NEXT", "RESET", "DELETE") if service == GATEWAY else ()
    return [f"{_JS}.CONSUMER.{what}.{subjects.JOBS}.{subjects.AGGREGATOR}" for what in whats]


def _consumed(
    service: str, patterns: Mapping[str, Pattern[Any, Any]], settings: Settings
) -> list[tuple[str, str | None]]:
    """(stream, durable consumer)."""
    declared = [(stream, config.durable_name) for stream, config in consumer_configs(settings, patterns)]
    if service == AGGREGATOR:
        return [one for one in declared if one[0] != subjects.STEPS]
    own = [one for one in declared if one[0] == subjects.STEPS and (one[1] or "").startswith(f"{service}=")]
    executes = service not in READS
    return own + [(subjects.MODELS, subjects.model_permits_consumer(model)) for model in settings.permits if executes]


def within(narrow: str, wide: str) -> bool:
    """Whether all that `narrow` matches, `wide` does too."""
    first, second = narrow.split("."), wide.split(".")
    if second[-1] == ">":
        return len(first) >= len(second) and within(".".join(first[: len(second) - 1]), ".".join(second[:-1]))
    return len(first) == len(second) and all(b in ("*", a) and a != ">" for a, b in zip(first, second, strict=True))


def _unique(some: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(some))
