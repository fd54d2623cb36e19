"""The journal's facts of what was paid, added up by day and tenant in USAGE, each once.

A row says up to where the journal is in it, and is replaced only while it is the one that was read. So a fact is in it
once, whoever adds it, however often, and wherever a process dies. `usage.place`, from where on the journal is read, is
stored after the rows. Any number of processes may fold at once: all but one of them have done it for nothing.

A row's place has the time as well: a NATS server that forgets its last moments gives their numbers to others.
"""

import asyncio
import logging
import random
from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from typing import Any

from nats.js.errors import APIError
from pydantic import ValidationError

from penstock.cancelling import stop
from penstock.contracts.journal import is_step, lost_key, wasted_key
from penstock.contracts.usage import Paid, Sum, UsageRow
from penstock.contracts.wire import Tolerant
from penstock.errors import PenstockError
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.stored import Stored

log = logging.getLogger(__name__)

#: Seconds between two looks at the journal, about.
_PAUSE = 2.0
#: Facts that are added at once.
_BATCH = 2_000
#: Facts of the journal that are looked at again by a process that has just begun, or been away.
_LOOK_BACK = 256
#: Lines of a row; what more there is goes into one that says neither step nor model.
_MOST_LINES = 1_000
#: Characters of a model's name: it is what the other side calls itself.
_LONGEST = 100
#: The server's error number for a row that is not the last of its subject any more.
_REPLACED = 10071


class Place(Tolerant):
    """Up to where the journal is in something. `time`: Unix seconds, of the latest fact."""

    sequence: int = 0
    time: float = 0.0

    def is_before(self, fact: Stored) -> bool:
        return fact.sequence > self.sequence or _unix(fact) > self.time

    def with_(self, fact: Stored) -> "Place":
        return Place(sequence=fact.sequence, time=max(self.time, _unix(fact)))


class DayTotals(Tolerant):
    """`usage.<tenant>.<month>.<day>`: of one tenant on one day (UTC), a line for each pattern, step and model."""

    place: Place = Place()
    prices: tuple[str, ...] = ()
    lines: tuple[UsageRow, ...] = ()


class _Billed(Tolerant):
    """What this needs of an outcome, or of what was wasted."""

    pattern: str = ""
    step: str
    paid: Paid = {}
    prices: str | None = None
    failure: Any = None


#: A fact as it was read: without its body, and what it says that something cost.
_Read = tuple[Stored, _Billed | None]


class Folding:
    """One process's part of it: from `start` to `stop`, or at each `fold`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._look_back = _LOOK_BACK
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._bus.on_reconnect(self._was_away)
        self._looking = asyncio.create_task(self._look_on())

    async def stop(self) -> None:
        if self._looking is not None:
            await stop(self._looking)

    async def fold(self) -> None:
        """Add what is in the journal by now. Raises BusUnavailable."""
        every = subjects.journal(subjects.EVERY, ">")
        last = await self._bus.last_from_leader(every)
        stored = await self._bus.last_from_leader(subjects.USAGE_PLACE)
        place = Place.model_validate_json(stored.data) if stored else Place()
        if last is None or not place.is_before(last):
            return
        after = max(0, min(place.sequence, last.sequence) - self._look_back)
        facts: list[_Read] = []
        async for fact in self._bus.history(every, after=after, until=last.sequence):
            # not with its body, which may be large
            facts.append((replace(fact, data=b""), _billed(fact)))
            if len(facts) == _BATCH:
                place = await self._add(facts, place)
                facts.clear()
        await self._add(facts, place)
        self._look_back = 0

    async def _add(self, facts: list[_Read], place: Place) -> Place:
        rows = defaultdict[str, list[tuple[Stored, _Billed]]](list)
        for fact, billed in facts:
            place = place.with_(fact)
            if billed:
                rows[_row(fact)].append((fact, billed))
        for subject, billed_facts in rows.items():
            await self._add_to_row(subject, billed_facts)
        await self._bus.append(subjects.USAGE_PLACE, place.model_dump_json().encode())
        return place

    async def _add_to_row(self, subject: str, facts: list[tuple[Stored, _Billed]]) -> None:
        while True:
            stored = await self._bus.last_from_leader(subject)
            row = DayTotals.model_validate_json(stored.data) if stored else DayTotals()
            if not (new := [one for one in facts if row.place.is_before(one[0])]):
                return
            expected = {"Nats-Expected-Last-Subject-Sequence": str(stored.sequence if stored else 0)}
            try:
                await self._bus.append(subject, _with(row, new).model_dump_json().encode(), headers=expected)
                return
            except APIError as error:  # another process was first, or this one and did not hear of it
                if error.err_code != _REPLACED:
                    raise

    def _was_away(self) -> None:
        self._look_back = _LOOK_BACK

    async def _look_on(self) -> None:
        while True:
            # replicas do not look at the same time
            await asyncio.sleep(_PAUSE * random.uniform(0.5, 1.5))
            try:
                await self.fold()
            except (PenstockError, TimeoutError) as error:
                log.debug("could not add up what was used: %r", error)
            except Exception:
                log.exception("could not add up what was used; trying on")


def _billed(fact: Stored) -> _Billed | None:
    """None for a fact of something else, or one that says nothing of what it cost."""
    key = subjects.key_of(fact.subject)
    told = key.startswith((wasted_key(""), lost_key("")))
    if not (told or is_step(key)):
        return None
    try:
        billed = _Billed.model_validate_json(fact.data)
    except ValidationError:
        log.warning("what %s cost cannot be read", fact.subject)
        return None
    return billed.model_copy(update={"failure": billed.failure or told}) if billed.paid else None


def _row(fact: Stored) -> str:
    tenant, *_ = subjects.tokens(fact.subject)
    return subjects.usage(tenant, fact.time[:10])


def _with(row: DayTotals, facts: list[tuple[Stored, _Billed]]) -> DayTotals:
    lines = {(line.pattern, line.step, line.model): line for line in row.lines}
    place, prices = row.place, {*row.prices}
    for fact, billed in facts:
        place = place.with_(fact)
        for model, usage in billed.paid.items():
            names = billed.pattern, billed.step, model[:_LONGEST]
            if names not in lines and len(lines) >= _MOST_LINES:
                names = "", "", ""
            new = Sum.of(usage)
            known = lines.get(names) or UsageRow(pattern=names[0], step=names[1], model=names[2])
            lines[names] = known.add(UsageRow(**dict(new), wasted=new if billed.failure else Sum()))
            prices |= {billed.prices} if billed.prices and usage.cost_usd is not None else set()
    return DayTotals(place=place, prices=tuple(sorted(prices)), lines=tuple(lines.values()))


def _unix(fact: Stored) -> float:
    return datetime.fromisoformat(fact.time).timestamp()
