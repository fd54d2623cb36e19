"""What a client must have been told, read from NATS itself and not through the gateway."""

import json
from typing import Any

from penstock import subjects
from penstock.bus import Bus

Message = dict[str, Any]


async def record(bus: Bus, job: str) -> list[Message]:
    """Type, id and data of each event of a job that nothing went wrong with: then every stored event is news."""
    found: list[Message] = []
    async for stored in bus.history(subjects.EVENTS, subjects.events(job)):
        event = json.loads(stored.data)
        found.append({"type": event["type"], "id": str(stored.sequence), "data": {**event, "seq": len(found) + 1}})
    return found


def told(messages: list[Message]) -> list[Message]:
    """The same of what a client has been given, its data read as JSON."""
    return [
        {"type": one["type"], "id": one["id"], "data": json.loads(one["data"]) if one["data"] else None}
        for one in messages
    ]
