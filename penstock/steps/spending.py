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

from nats.aio.msg import Msg

from penstock.contracts.events import StepStarted
from penstock.contracts.journal import Outcome, Wasted, lost_key, wasted_key
from penstock.contracts.usage import Paid, Usage
from penstock.contracts.wire import JobName, is_token
from penstock.errors import BusUnavailable, Failure
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.event_log import stored_events
from penstock.jetstream.settling import until_stored
from penstock.llm.metrics import ModelMetrics
from penstock.llm.usage import PRICES
from penstock.steps.metrics import AttemptMetrics, StepMetrics

log = logging.getLogger(__name__)

#: Seconds that an attempt which is cut short takes to tell what it cost, if NATS does not answer.
_PARTING = 0.3


@dataclass(slots=True)
class Bill:
    """One attempt's. `paid` grows while it lasts; None of one that asks no model."""

    attempt: str
    seen: AttemptMetrics
    paid: Paid | None = None
    #: What its outcome says came of it; None while that is not in the journal.
    use: Literal["kept", "wasted"] | None = None


class Spending:
    """Of every attempt, however it ended."""

    def __init__(self, bus: Bus, steps: StepMetrics, models: ModelMetrics) -> None:
        self._bus, self._steps, self._models = bus, steps, models
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
        async for fact in self._bus.history(subjects.journal(job, wasted_key("*"))):
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
        outcome = await self._bus.last_from_leader(subjects.journal(job, key))
        return Outcome.model_validate_json(outcome.data).i if outcome else None

    @asynccontextmanager
    async def billing(self, job: JobName, attempt: str, about: Wasted, message: Msg) -> AsyncIterator[Bill]:
        """Within it, `attempt` is made; at its end what it cost is told, and stored before a step is handed back.

        Where it is cancelled, or NATS is away, that takes a moment at most; the attempt may be taken for lost then.
        """
        if message.metadata.num_delivered == 1:
            waited = self._bus.time.now() - message.metadata.timestamp.timestamp()
            self._steps.waited(about.pattern, about.step, waited)
        hurried = True
        try:
            with self._steps.attempt(about.pattern, about.step) as seen:
                bill = Bill(attempt, seen)
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
                self._models.paid(about.pattern, about.step, bill.paid, bill.use or "wasted")

    async def has_outcome(self, job: JobName, key: str, bill: Bill, *, failure: Failure | None, written: bool) -> None:
        """To be called once a step's outcome is in the journal: if this attempt has not `written` it, another has."""
        if written or await self._ended_by(job, key) == bill.attempt:
            bill.use = "wasted" if failure else "kept"
            bill.seen.ended_step(failure)

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
