"""Models with limits, and models that are paused, as NATS has what all that ask them share (penstock.llm.limits)."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import TypeAdapter

from penstock.contracts.fleet import ModelLimits, ModelStanding, Replica
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.llm.limits.pace import Booked
from penstock.llm.limits.pauses import Pause

_BOOKED = TypeAdapter(Booked)
_MINUTE = 60


async def standings(bus: Bus, replicas: Sequence[Replica]) -> tuple[ModelStanding, ...]:
    """By name. Limits, and what is lent, are as the processes say: to NATS a permit that was given back is lent."""
    limits = next((one.model_limits for one in replicas if one.model_limits), {})
    found: dict[str, ModelStanding] = {}

    def known(model: str) -> ModelStanding:
        limit = limits.get(model) or limits.get("*") or ModelLimits()
        return found.get(model) or ModelStanding(model=model, limits=limit)

    for model, use in [used for one in replicas for used in one.models.items()]:
        one = known(model)
        added = {"lent": one.lent + use.lent, "waiting": one.waiting + use.waiting}
        found[model] = one.model_copy(update=added)
    wanted = [subjects.model_pace("*"), subjects.model_pause("*")]
    async for stored in bus.each_last_from_any_replica(wanted):
        kind, token = subjects.tokens(stored.subject)
        model, now = _name(token), bus.time.now()
        if kind == "pause":
            pause = Pause.model_validate_json(stored.data)
            if pause.until > now:
                until = datetime.fromtimestamp(pause.until, UTC)
                found[model] = known(model).model_copy(update={"paused_until": until})
            continue
        booked = _BOOKED.validate_json(stored.data)
        used = [some for second, some in booked.items() if now - _MINUTE < second <= now]
        paced = {
            "calls": sum(calls for calls, _ in used),
            "tokens": sum(tokens for _, tokens in used),
            "booked_seconds": max(0.0, round(max(booked, default=0) - now, 3)),
        }
        found[model] = known(model).model_copy(update=paced)
    return tuple(found[model] for model in sorted(found))


def _name(token: str) -> str:
    """The name that penstock.jetstream.subjects has made a token."""
    return re.sub(r"=([0-9a-f]+)=", lambda found: chr(int(found[1], 16)), token)
