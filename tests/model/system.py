"""Penstock's own handlers, journal, events and readers on the model of JetStream; the model is made to speak."""

import asyncio
import selectors
from collections.abc import AsyncGenerator
from contextvars import ContextVar
from typing import Any, cast

from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from penstock.contracts.events import TERMINAL, Event
from penstock.contracts.job import Snapshot
from penstock.contracts.options import PatternRequest
from penstock.contracts.prompt import Prompt
from penstock.contracts.step import Step
from penstock.contracts.turns import TextPiece
from penstock.contracts.usage import Usage
from penstock.document import Document, LinearJSON, Shape, spread
from penstock.errors import Diverged, ModelUnavailable
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jobs.follow import Follower
from penstock.llm.client import Llm
from penstock.llm.limits.turns import Turns
from penstock.llm.metrics import ModelMetrics
from penstock.llm.usage import Meter
from penstock.pattern import Pattern, Run, StepContext
from penstock.runs.handler import JobHandler
from penstock.settings import Settings
from penstock.steps.executor import Executable
from penstock.steps.handler import StepHandler
from penstock.steps.metrics import StepMetrics
from penstock.steps.spending import Spending
from tests.model.jetstream import Connection, Entry, Server
from tests.support.naming import named

JOB = "job"


class Words(BaseModel):
    """What a step is given."""

    words: str


class Result(BaseModel):
    first: str
    second: str
    third: str


async def say(request: Words, context: StepContext) -> str:
    return await context.model.text(Prompt.user(request.words or "Say something."), stream=True)


SAY = Step(name="say", input=Words, output=str, do=say, uses_model=True)


async def three(run: Run, request: PatternRequest) -> Result:
    """One step, then two at once that are given its words."""
    first = await run.step(SAY, Words(words=""), into="/first")
    second, third = await asyncio.gather(
        run.step(SAY, Words(words=first), into="/second"), run.step(SAY, Words(words=first), into="/third")
    )
    return Result(first=first, second=second, third=third)


PATTERN = Pattern(
    name="three",
    summary="",
    run=three,
    request=PatternRequest,
    result=Result,
    steps=(SAY,),
    example=PatternRequest(),
)
SETTINGS = Settings(flush_interval=0, model_retry_delay=0.05, max_deliveries=50, cache=False)


class Clock(selectors.SelectSelector):
    """Time passes only while nothing is ready, and then at once: up to the next timer."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += timeout or 0.0
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = Clock()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now

    def settle(self, seconds: float = 0.001) -> None:
        """Run whatever can run, and what is due within `seconds`."""
        self.run_until_complete(asyncio.sleep(seconds))


#: The delivery that a task handles: whether the step had its outcome when it came.
FINISHED: ContextVar[bool] = ContextVar("finished")


class Call:
    """A call of the model. It costs 1 << `number` tokens once it has begun: sums tell which calls are in them."""

    def __init__(self, number: int, key: str) -> None:
        self.number, self.key = number, key
        self.finished_before = FINISHED.get()
        self.words = [f"{number}", " is", f" {key}"]
        self._may_speak = asyncio.Semaphore(0)
        self.fails = False
        self.began = self.ended = False

    def speak(self) -> None:
        self._may_speak.release()

    async def stream(self, meter: Meter) -> AsyncGenerator[TextPiece, None]:
        try:
            for word in self.words:
                await self._may_speak.acquire()
                if self.fails:
                    raise ModelUnavailable("told to")
                self.began = True
                yield TextPiece(text=word)
            await self._may_speak.acquire()
        finally:
            self.ended = True
            if self.began:
                meter.add(Usage(calls=1, output_tokens=1 << self.number), "model")


class Model:
    """Stands where the connection to Gemini is (penstock.llm.client.Llm)."""

    traces = True

    def identity(self, *_: Any, **__: Any) -> bytes:
        return b"one question"

    def __init__(self) -> None:
        self.calls: list[Call] = []

    @property
    def speaking(self) -> list[Call]:
        return [call for call in self.calls if not call.ended]

    def stream(
        self, prompt: Prompt, *, labels: dict[str, str], meter: Meter, **_: Any
    ) -> AsyncGenerator[TextPiece, None]:
        self.calls.append(call := Call(len(self.calls), labels["key"]))
        return call.stream(meter)


class Caller:
    """Whoever has a connection."""

    def __init__(self, server: Server) -> None:
        self.connection = Connection(server)
        self.bus = Bus(cast(Any, self.connection))

    def reconnect(self) -> "asyncio.Future[None]":
        self.connection.cut()
        return asyncio.ensure_future(self.bus.reconnected())


class Process(Caller):
    """A replica: an aggregator takes jobs, a worker steps."""

    def __init__(self, server: Server, stream: str, model: Model) -> None:
        super().__init__(server)
        self.stream, self._server = stream, server
        self._handler: JobHandler | StepHandler
        registry = CollectorRegistry()
        models = ModelMetrics(registry)
        self._spending = Spending(self.bus, StepMetrics(registry), models)
        if stream == subjects.JOBS:
            self._handler = JobHandler(bus=self.bus, patterns={PATTERN.name: PATTERN}, settings=SETTINGS)
        else:
            executables = {f"{PATTERN.name}/{SAY.name}": Executable(SAY, say, render=Prompt.user)}
            self._handler = StepHandler(
                bus=self.bus,
                llm=cast(Llm, model),
                executables=executables,
                service="workers",
                settings=SETTINGS,
                spending=self._spending,
                turns=Turns(self.bus, {}, ack_wait=SETTINGS.ack_wait, metrics=models),
            )
        self._tasks: dict[int, asyncio.Task[None]] = {}

    @property
    def in_work(self) -> set[int]:
        """Sequences of the messages it has: another delivery of one is dropped (penstock.jetstream.pull)."""
        return {sequence for sequence, task in self._tasks.items() if not task.done()}

    @property
    def telling(self) -> bool:
        return self._spending.telling

    def receive(self, entry: Entry) -> None:
        message = self._server.deliver(entry, self.connection)

        async def handle() -> None:
            key = subjects.tokens(entry.subject)[-1]
            FINISHED.set(self._server.fact(subjects.journal(named(JOB), key)) is not None)
            await self._handler.handle(message)

        self._tasks[entry.sequence] = asyncio.ensure_future(handle())

    def kill(self) -> list[asyncio.Task[None]]:
        self.connection.close()
        for task in self._tasks.values():
            task.cancel()
        return [*self._tasks.values()]


class FollowingReader(Caller):
    """A caller that follows the job, by events and as JSON text."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.events: list[Event] = []
        #: What the events add up to, but for the job's end.
        self.shown = Document()
        #: The JSON text that was sent; None once it had to be cut off.
        self.text: str | None = ""
        self._linear = LinearJSON(Shape.of(Result))
        self.task = asyncio.ensure_future(self._follow())

    async def _follow(self) -> None:
        async with Follower(self.bus, named(JOB), publish_missing_end=True) as follower:
            async for batch in follower:
                for one in batch:
                    self._take(one.event)

    def _take(self, event: Event | Snapshot) -> None:
        if isinstance(event, Snapshot):
            self.shown = Document()
            for p, value in spread("", event.result).items():
                self.shown.put(p, value)
            self.text = None
            return
        self.events.append(event)
        try:
            self.text = None if self.text is None else self.text + self._linear.feed(event)
        except Diverged:
            self.text = None
        if not isinstance(event, TERMINAL):
            self.shown.apply(event)
