"""What a client must have received, read from NATS itself and not through the gateway."""

import json
from typing import Any

from penstock.contracts.events import PLACES, texts_of
from penstock.contracts.journal import RESERVED_KEYS, Outcome
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.stored import Stored
from tests.support.naming import named

Message = dict[str, Any]


async def news(bus: Bus, job: str) -> list[tuple[int, Message, Stored]]:
    """The stored events of a job that are news by the contract, each with its place, its `seq` and its message.

    An `id` or a (key, attempt, number) that was there before is none, nor is an attempt older than the newest.
    """
    found: list[tuple[int, Message, Stored]] = []
    known: set[object] = set()
    newest: dict[str, int] = {}
    async for stored in bus.history(subjects.events(named(job))):
        for place, text in enumerate(texts_of(stored.data), stored.sequence * PLACES):
            event: Message = json.loads(text)
            identity = event["id"] if "id" in event else (event["k"], event["a"], event["i"], event["n"])
            if identity in known or event.get("a", 1) < newest.get(event.get("k", ""), 1):
                continue
            known.add(identity)
            if "k" in event:
                newest[event["k"]] = event["a"]
            found.append((place, {**event, "seq": len(found) + 1}, stored))
    return found


async def outcomes(bus: Bus, job: str) -> dict[str, Outcome]:
    """The outcomes in a job's journal, by key."""
    stored = await bus.last_from_any_replica([subjects.journal(named(job), "*")])
    facts = {fact.subject.rpartition(".")[2]: fact.data for fact in stored}
    return {key: Outcome.model_validate_json(data) for key, data in facts.items() if key not in RESERVED_KEYS}


async def record(bus: Bus, job: str) -> list[Message]:
    """Type, id and data of each event that a client must have been handed."""
    return [{"type": event["type"], "id": str(place), "data": event} for place, event, _ in await news(bus, job)]


def delivered(messages: list[Message]) -> list[Message]:
    """The same of what a client has been given, its data read as JSON."""
    return [
        {"type": one["type"], "id": one["id"], "data": json.loads(one["data"]) if one["data"] else None}
        for one in messages
    ]
