"""What declaring the streams would change on a server, and what of it would lose data.

Compared is what a server says with what is to be declared, field by field, as JSON: a field that this release does not
know (another has set it) is a difference as well, since an update would reset it.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from nats.aio.client import Client
from nats.js import api
from nats.js.errors import NotFoundError

from penstock.installed import __version__, numbers
from penstock.jetstream.asking import asked, consumers_of

#: In a stream's metadata: the release that declared it.
DECLARED_BY = "penstock-version"
#: What the server has for a field that nobody has set.
_UNSET: tuple[Any, ...] = (None, False, 0, -1, "", [], {}, "none", "default", "limits", "all", "instant")
_DAY_NS, _HOUR_NS, _SECOND_NS = 86_400 * 10**9, 3_600 * 10**9, 10**9
#: Fields in nanoseconds.
_TIMES = ("max_age", "duplicate_window", "ack_wait", "inactive_threshold", "subject_delete_marker_ttl")


@dataclass(frozen=True, slots=True)
class Change:
    """`loses`: what would be gone."""

    name: str
    old: Any
    new: Any
    loses: str | None = None

    def __str__(self) -> str:
        return f"{self.name}: {shown(self.name, self.old)} → {shown(self.name, self.new)}"


@dataclass(frozen=True, slots=True)
class Planned:
    """A stream, or a consumer of one. `left`: it is there, and not declared any more; it stays as it is."""

    stream: str
    consumer: str | None
    action: Literal["create", "change", "keep", "left"]
    changes: list[Change] = field(default_factory=list)
    #: Of a stream: the release that declared it, where that is newer than this one.
    newer: str | None = None

    def __str__(self) -> str:
        return f"stream {self.stream}" if self.consumer is None else f"consumer {self.consumer} of {self.stream}"

    @property
    def losses(self) -> list[str]:
        """A sentence for each change that would lose data."""
        return [f"{self}: {change}: {change.loses}" for change in self.changes if change.loses]


async def planned(
    connection: Client, streams: Iterable[api.StreamConfig], consumers: Iterable[tuple[str, api.ConsumerConfig]]
) -> list[Planned]:
    """In the order in which they are to be declared: streams first. Raises APIError, nats.errors.Error."""
    wanted: dict[str, dict[str, api.ConsumerConfig]] = {}
    for stream, consumer in consumers:
        wanted.setdefault(stream, {})[str(consumer.durable_name)] = consumer
    found, below = list[Planned](), list[Planned]()
    for config in streams:
        name = str(config.name)
        try:
            there = await asked(connection, f"STREAM.INFO.{name}")
        except NotFoundError:
            found.append(Planned(name, None, "create"))
            below += [Planned(name, consumer, "create") for consumer in wanted.get(name, {})]
            continue
        found.append(_stream(name, there, _as_json(config)))
        below += await _consumers(connection, name, wanted.get(name, {}))
    return found + below


def shown(name: str, value: Any) -> str:
    """A value as it is shown: what is a time in words, what is nothing as such."""
    if _is_unset(value):
        return "none"
    if name in _TIMES:
        for unit, length in (("d", _DAY_NS), ("h", _HOUR_NS), ("s", _SECOND_NS)):
            if value % length == 0 or unit == "s":
                return f"{value / length:g} {unit}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {one}" for key, one in value.items() if not _is_unset(one))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value).lower()


def _stream(name: str, there: dict[str, Any], new: dict[str, Any]) -> Planned:
    old, state = there["config"], there["state"]
    changes = [
        Change(field, was, becomes, _lost(field, was, becomes, state)) for field, was, becomes in _differences(old, new)
    ]
    by = (old.get("metadata") or {}).get(DECLARED_BY)
    newer = by if by and numbers(by) > numbers(__version__) else None
    return Planned(name, None, "change" if changes else "keep", changes, newer)


async def _consumers(connection: Client, stream: str, wanted: dict[str, api.ConsumerConfig]) -> list[Planned]:
    there = {one["name"]: one["config"] async for one in consumers_of(connection, stream)}
    found = []
    for name, config in wanted.items():
        if name not in there:
            found.append(Planned(stream, name, "create"))
            continue
        changes = [Change(*one) for one in _differences(there[name], _as_json(config) | {"name": name})]
        found.append(Planned(stream, name, "change" if changes else "keep", changes))
    # services make others, such as those that lend a model's permits; only those of steps come and go with patterns
    gone = (name for name, config in there.items() if name not in wanted and name.count("=") == 3)
    return found + [Planned(stream, name, "left") for name in gone]


def _as_json(config: api.StreamConfig | api.ConsumerConfig) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(config.as_dict()))
    return read


def _differences(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted({*old, *new}):
        was, becomes = old.get(name), new.get(name)
        if name == "metadata":  # the server has its own there
            was = {key: value for key, value in (was or {}).items() if not key.startswith("_nats.")}
        if name == "republish":
            was, becomes = ({key: one for key, one in (each or {}).items() if one} for each in (was, becomes))
        if was != becomes and not (_is_unset(was) and _is_unset(becomes)):
            yield name, was, becomes


def _is_unset(value: Any) -> bool:
    return any(value == unset and isinstance(value, type(unset)) for unset in _UNSET)


def _lost(name: str, old: Any, new: Any, state: dict[str, Any]) -> str | None:
    """What a stream would lose, or no longer protect, by a change of this field."""
    held: int = state["messages"]
    limited = not _is_unset(new)
    narrower = limited and (_is_unset(old) or (isinstance(new, int | float) and new < old))
    match name:
        case "num_replicas" if narrower or (new == 1 and old > 1):
            return f"fewer copies of {held:,} messages: a server that is lost takes them with it"
        case "max_bytes" if narrower and state["bytes"] > new:
            return f"it holds {state['bytes']:,} bytes; NATS drops the oldest of {held:,} messages until they fit"
        case "max_age" if narrower and held:
            return f"{held:,} messages are kept for less long, since {state['first_ts'][:19]}Z; older ones go at once"
        case "max_msgs" | "max_msgs_per_subject" if narrower and held:
            return f"all but the newest of {held:,} messages go"
        case "subjects":
            left = [subject for subject in old or () if not any(_covers(one, subject) for one in new or ())]
            return f"nothing is stored any more of {', '.join(left)}" if left else None
    return None


def _covers(pattern: str, subject: str) -> bool:
    """Whether all that `subject` (wildcards allowed) names is named by `pattern`."""
    wanted, there = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        wanted, there = wanted[:-1], there[: len(wanted) - 1] if len(there) >= len(wanted) else []
    alike = (one in ("*", other) and other != ">" for one, other in zip(wanted, there, strict=False))
    return len(wanted) == len(there) and all(alike)
