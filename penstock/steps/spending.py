"""What a replica's attempts at steps cost: as /metrics shows it, and, where nothing came of it, as a fact.

Each attempt's cost is told once: by the outcome that it wrote, or by its `wasted` fact (penstock.contracts.journal).
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter

from penstock.contracts.events import StepStarted
from penstock.contracts.journal import Outcome, Wasted, lost_key, wasted_key
from penstock.contracts.usage import Paid, Usage
from penstock.contracts.wire import JobName, is_token
from penstock.errors import BusUnavailable
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.event_log import stored_events
from penstock.jetstream.settling import until_stored
from penstock.llm.usage import PRICES

log = logging.getLogger(__name__)

#: Seconds that an attempt which is cut short takes to tell what it cost, if NATS does not answer.
_PARTING = 0.3


@dataclass(slots=True)
class Bill:
    """One attempt's. `paid` grows while it lasts; None of one that asks no model."""

    attempt: str
    paid: Paid | None = None
    #: What its outcome says came of it; None while that is not in the journal.
    use: Literal["kept", "wasted"] | None = None


class Spending:
    """Of every attempt, however it ended."""

    def __init__(self, bus: Bus, registry: CollectorRegistry) -> None:
        self._bus = bus
        labels = "pattern", "step", "model", "use"
        self._calls = Counter("penstock_model_calls", "Model calls that were answered.", labels, registry=registry)
        self._tokens = Counter(
            "penstock_model_tokens",
            "Tokens as the model reported them: prompt (cached ones included), output, thinking. "
            "Their use: kept, or wasted where the attempt failed, was cut off or was not the first.",
            (*labels, "kind"),
            registry=registry,
        )
        self._cost = Counter(
            "penstock_model_cost_usd", "US dollars at list price, where one is known.", labels, registry=registry
        )
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def telling(self) -> bool:
        """Whether what an attempt cost that has ended is still to be stored."""
        return bool(self._telling)

    async def earlier(self, job: JobName, about: Wasted, *, asks: bool) -> tuple[int, Usage]:
        """How many attempts at a step have begun, and what they cost that told so and did not end it.

        Those that have told nothing get a `lost` fact, if the step asks a model. Deliveries are no measure: while NATS
        stores nothing there are some that begin nothing.
        """
        begun = dict[str, str]()
        told = defaultdict[str, Usage](Usage)
        async for event in stored_events(self._bus, job):
            if isinstance(event, StepStarted) and event.k == about.key:
                begun.setdefault(event.i, event.model or "")
        async for fact in self._bus.history(subjects.JOURNAL, subjects.journal(job, wasted_key("*"))):
            wasted = Wasted.model_validate_json(fact.data)
            if wasted.key == about.key:
                told[fact.subject.rpartition(".")[2]] = sum(wasted.paid.values(), start=Usage())
        ended_by = await self._ended_by(job, about.key)
        for attempt in filter(is_token, begun.keys() - told.keys() - {ended_by} if asks else ()):
            lost = about.model_copy(update={"paid": {begun[attempt]: Usage(unmetered=1)}})
            await self._bus.once(subjects.journal(job, lost_key(attempt)), lost.model_dump_json().encode())
        return len(begun), sum(told.values(), start=Usage())

    async def _ended_by(self, job: JobName, key: str) -> str | None:
        """The attempt that wrote a step's outcome."""
        outcome = await self._bus.last_from_leader(subjects.JOURNAL, subjects.journal(job, key))
        return Outcome.model_validate_json(outcome.data).i if outcome else None

    @asynccontextmanager
    async def billing(self, job: JobName, attempt: str, about: Wasted) -> AsyncIterator[Bill]:
        """Within it, `attempt` is made; at its end what it cost is told, and stored before a step is handed back.

        Where it is cancelled, or NATS is away, that takes a moment at most; the attempt may be taken for lost then.
        """
        bill = Bill(attempt)
        hurried = True
        try:
            yield bill
            hurried = False
        except Exception as error:
            hurried = isinstance(error, BusUnavailable)
            raise
        finally:
            if bill.paid is not None:
                if bill.use is None:
                    wasted = about.model_copy(update={"paid": bill.paid, "prices": PRICES})
                    telling = asyncio.create_task(self._tell(job, attempt, wasted))
                    self._telling.add(telling)
                    telling.add_done_callback(self._end)
                    await asyncio.wait({telling}, timeout=_PARTING if hurried else None)
                self._count(about, bill.paid, bill.use or "wasted")

    async def has_outcome(self, job: JobName, key: str, bill: Bill, *, failed: bool, written: bool) -> None:
        """To be called once a step's outcome is in the journal: if this attempt has not `written` it, another has."""
        if written or await self._ended_by(job, key) == bill.attempt:
            bill.use = "wasted" if failed else "kept"

    async def _tell(self, job: JobName, attempt: str, wasted: Wasted) -> None:
        async def tell() -> None:
            # one that is cut short may have written its outcome, and not know
            if await self._ended_by(job, wasted.key) != attempt:
                await self._bus.once(subjects.journal(job, wasted_key(attempt)), wasted.model_dump_json().encode())

        about = {**job.about, "step": wasted.step, "key": wasted.key}
        await until_stored(self._bus, "what an attempt cost", about, tell)

    def _end(self, telling: asyncio.Task[None]) -> None:
        self._telling.discard(telling)
        if not telling.cancelled() and (error := telling.exception()) is not None:
            log.warning("what an attempt cost is not told: %s", error)

    def _count(self, about: Wasted, paid: Paid, use: str) -> None:
        for model, usage in paid.items():
            labels = about.pattern, about.step, model, use
            self._calls.labels(*labels).inc(usage.calls)
            if usage.cost_usd is not None:  # what has no price is not free
                self._cost.labels(*labels).inc(usage.cost_usd)
            for kind in ("prompt", "output", "thinking"):
                self._tokens.labels(*labels, kind).inc(getattr(usage, f"{kind}_tokens"))
