"""Single steps, dispatched as an aggregator would, to the services that execute them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from penstock.contracts.events import Event
from penstock.contracts.journal import Outcome
from penstock.contracts.step import Step, StepMessage
from penstock.contracts.turns import Turn
from penstock.document import Document, Reader, shown
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.event_log import stored_events
from penstock.jetstream.streams import declare
from penstock.jobs import new_job_id
from penstock.patterns.loading import load, steps_by_service
from penstock.runs.journal import Journal
from penstock.settings import Settings
from penstock.tools import TOOLS
from tests.steps.samples import sample_input
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.pipeline import BUILD, Replica
from tests.support.servers import NatsServer
from tests.support.simulator import Steering

AnyStep = Step[Any, Any]

#: Every step of every pattern.
PATTERN_OF = {step: pattern.name for steps in steps_by_service(load()).values() for pattern, step in steps.values()}
STEPS: list[AnyStep] = list(PATTERN_OF)
_TOOLS = {tool.step.name for tool in TOOLS.values()}
#: Those that ask a model: the output of each grows while it is made; those whose reply is JSON by a schema.
MODEL_STEPS = [step for step in STEPS if step.name not in _TOOLS]
JSON_STEPS = [step for step in MODEL_STEPS if step.output not in (str, Turn)]

KEY = "step-1"
PLACE = "/out"


@asynccontextmanager
async def executing(settings: Settings, data: Path) -> AsyncIterator[Settings]:
    """A nats-server with a classifier and workers; the settings with its address."""
    async with AsyncExitStack() as stack:
        nats = await stack.enter_async_context(NatsServer(data))
        settings = settings.model_copy(update={"nats_url": nats.url})
        bus = await connect(settings, "declare")
        await declare(bus.jetstream, settings)
        await bus.connection.close()
        for kind in ("classifier", "workers"):
            replica = Replica(BUILD[kind](settings))
            await replica.start()
            stack.push_async_callback(replica.stop)
        yield settings


def shown_at_place(outcome: Outcome) -> Any:
    """What a caller is to be shown there: the value, of a turn its words; None of a failure."""
    return shown(outcome).get(PLACE)


class StepHarness:
    """One job's worth of steps. There is no run: what would be its journal is read here."""

    def __init__(self, bus: Bus, gemini: Steering, settings: Settings) -> None:
        self.bus, self.gemini, self.settings = bus, gemini, settings
        self.job = new_job_id()

    def message(self, step: AnyStep, deadline: float | None = None) -> StepMessage:
        return StepMessage(
            pattern=PATTERN_OF[step],
            job=self.job,
            step=step.name,
            key=KEY,
            input=sample_input(step).model_dump(mode="json", by_alias=True),
            fingerprint="f" * 32,
            into=None if step.output is Turn else PLACE,
            words_into=PLACE if step.output is Turn else None,
            complexity=step.complexity,
            deadline=deadline or time.time() + 60,
        )

    def subject(self, step: AnyStep, key: str = KEY) -> str:
        return subjects.step(step.service, PATTERN_OF[step], step.name, named(self.job), key)

    def consumer(self, step: AnyStep) -> str:
        """The durable consumer of its kind."""
        return subjects.step_consumer(step.service, PATTERN_OF[step], step.name)

    async def dispatch(self, step: AnyStep, *, deadline: float | None = None) -> bool:
        """Whether the stream took it."""
        return await self.bus.once(self.subject(step), self.message(step, deadline).model_dump_json().encode())

    async def outcome(self) -> Outcome:
        """The step's outcome, once it is there."""
        async with asyncio.timeout(PATIENCE), Journal.following(self.bus, named(self.job)) as journal:
            await journal.wait_for(KEY)
            outcome = journal.outcome(KEY)
        assert outcome is not None
        return outcome

    async def done(self, step: AnyStep) -> Outcome:
        """Dispatch and await."""
        assert await self.dispatch(step)
        return await self.outcome()

    async def events(self) -> list[Event]:
        """What a reader accepts of the events so far: all of a step's are stored before its outcome."""
        reader = Reader()
        return [event async for event in stored_events(self.bus, named(self.job)) if reader.accept(event)]

    async def streamed(self) -> Any:
        """What a caller was shown at the step's place."""
        document = Document()
        for event in await self.events():
            document.apply(event)
        return document.value.get("out")

    async def types(self) -> list[str]:
        """The events' types without those of the text itself."""
        types = [event.type for event in await self.events()]
        return [one for one in types if one not in ("part.start", "delta", "part.end")]
