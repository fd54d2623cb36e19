"""One step message, from delivery to settlement."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

from nats.aio.msg import Msg

from penstock import correlation
from penstock.backoff import delay
from penstock.budgets.pots import pots_of
from penstock.budgets.purse import Purse
from penstock.contracts.events import StepQueued
from penstock.contracts.journal import END, Outcome, Wasted
from penstock.contracts.usage import Usage
from penstock.contracts.wire import JobName
from penstock.errors import BusUnavailable, Failure, Transient
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.event_log import EventLog
from penstock.jetstream.settling import GivenUp, Later, leave_to_newer, settling, until_stored
from penstock.llm.ask import Door, StepModel
from penstock.llm.client import Llm
from penstock.llm.limits.turns import Caller, Crowded, Turns
from penstock.llm.selector import choose, described_by
from penstock.llm.usage import PRICES, Meter
from penstock.mistakes import told
from penstock.pattern import StepContext
from penstock.settings import Settings
from penstock.steps.attempt import Attempt, Traced, Waiting
from penstock.steps.executor import Executable, NobodyWaits, executed, parsed
from penstock.steps.parts import PartSink
from penstock.steps.replies import Replies
from penstock.steps.spending import Spending

log = logging.getLogger(__name__)

#: Attempts after which a tool that does not work fails its step.
_TOOL_ATTEMPTS = 3
#: Seconds: the pause before a step's next attempt starts at `model_retry_delay` and grows no longer than this.
_LONGEST_PAUSE = 30.0


class StepHandler:
    """Executes the steps of one service. `service` is the name that events and outcomes show.

    `executables`: by `pattern/step`. `llm` may be None if none of them asks a model.
    """

    def __init__(
        self,
        *,
        bus: Bus,
        llm: Llm | None,
        executables: Mapping[str, Executable],
        service: str,
        settings: Settings,
        spending: Spending,
        turns: Turns,
    ) -> None:
        self._bus, self._llm = bus, llm
        self._executables, self._service, self._settings = executables, service, settings
        self._spending, self._turns = spending, turns

    async def handle(self, message: Msg) -> None:
        """Settle one delivery.

        Acked: the step has an outcome, or its job has ended. Handed back with a delay: it is worth another
        try. Terminated: it can never succeed; its failure was journaled and a copy dead-lettered before.
        """
        _, pattern, step, job, key = subjects.of_step(message.subject)
        about = {**job.about, "pattern": pattern, "step": step, "key": key, "delivery": message.metadata.num_delivered}
        async with settling(self._bus, message, "step", about), self._watching(job, key) as nobody_waits:
            billed = Wasted(pattern=pattern, step=step, key=key, paid={})
            begun, spent = 0, Usage()
            if message.metadata.num_delivered > 1:
                asks = self._executables[f"{pattern}/{step}"].step.asks
                begun, spent = await self._spending.earlier(job, billed, asks=asks)
            if nobody_waits.is_set():
                return
            id = secrets.token_hex(4)
            async with (
                self._spending.billing(job, id, billed, message) as bill,
                contextlib.aclosing(EventLog(self._bus, job)) as events,
                contextlib.AsyncExitStack() as ending,
            ):
                traced = Traced(
                    *(job, pattern, step, key, begun + 1),
                    dispatched=message.metadata.timestamp.timestamp(),
                    asks=self._executables[f"{pattern}/{step}"].step.asks,
                    waiting=nobody_waits,
                )
                attempt = Attempt(job, pattern, step, key, begun + 1, id, spent, bill, message, traced)
                correlation.add(attempt=attempt.number)
                with contextlib.suppress(NobodyWaits), traced:
                    await self._attempt(attempt, nobody_waits, events, ending)

    @contextlib.asynccontextmanager
    async def _watching(self, job: JobName, key: str) -> AsyncIterator[Waiting]:
        nobody_waits = Waiting()

        def hear(fact: Msg) -> None:
            nobody_waits.job_ended |= subjects.key_of(fact.subject) == END
            nobody_waits.set()

        async def read() -> None:
            facts = subjects.journal(job, key), subjects.journal(job, END)
            if any(await asyncio.gather(*(self._bus.last_from_leader(fact) for fact in facts))):
                nobody_waits.set()

        async with self._bus.following(read, hear, subjects.fact(job, key), subjects.fact(job, END)):
            yield nobody_waits

    async def _attempt(
        self, attempt: Attempt, nobody_waits: asyncio.Event, events: EventLog, ending: contextlib.AsyncExitStack
    ) -> None:
        """Writes a failed outcome before raising GivenUp: without one the job would wait for ever."""
        try:
            request, given = parsed(attempt.message, self._executables)
        except ValueError as error:
            leave_to_newer(attempt.message.headers, f"step {attempt.step} of {attempt.pattern}")
            await self._write(attempt, Failure("step_error", str(error)), fingerprint="", n=0)
            raise GivenUp("step_error", str(error)) from error
        executable = self._executables[f"{request.pattern}/{request.step}"]
        by = {"k": attempt.key, "a": attempt.number, "i": attempt.id}
        step, interval, seen = executable.step, self._settings.flush_interval, attempt.bill.seen
        sink = PartSink(events, by, seen, into=request.place, output=step.output, flush_interval=interval)
        fixed = request.model_dump(include={"fingerprint", "into", "words_into"}) | {"prompt": executable.prompt}
        store = partial(self._store, attempt, events, sink, fixed)
        if attempt.number > self._settings.max_deliveries:
            detail = f"given up at attempt {attempt.number}; its executors did not survive it"
            await store(Failure("poisoned", detail))
            raise GivenUp("poisoned", detail)

        async def begin() -> None:
            sink.begin()
            if step.asks:
                attempt.bill.paid = meter.paid
            # what cannot be stored is not paid for
            await events.flush()

        def tell(model: str, depth: int) -> None:
            about = {"key": attempt.key, "step": attempt.step, "service": self._service}
            events.send(StepQueued(id=f"queued:{attempt.key}:model", depth=depth, served=True, model=model, **about))

        choice = choose(self._settings, request.pattern, step, request.complexity, request.priority, request.model)
        asked, meter = choice.at(attempt.number), Meter()
        labels = {"job": request.job, "key": request.key, "pattern": request.pattern, "step": request.step}
        door: Door | None = None
        if self._llm is not None:
            door = self._turns.around(self._llm, Caller(request.deadline, begin, tell))
            if pots := pots_of(self._settings, attempt.job, request.budget, request.paying_key, self._bus.time.now()):
                longest = self._settings.model_timeout
                purse = Purse(self._bus, pots, self._settings.budget_webhook, longest=longest)
                door = purse.around(door, self._settings.model_max_output_tokens)
        cache = None
        if request.cache:
            output = step.output if step.do is None else None
            name = attempt.job, attempt.key
            cache = Replies.of(self._bus, self._settings, *name, seen, attempt=attempt.id, output=output)
        if cache is not None:
            ending.push_async_callback(cache.aclose)
        model = StepModel(
            door if step.asks else None,
            asked,
            labels,
            sink,
            stronger=choice.stronger,
            may_shorten=step.may_shorten,
            cache=cache,
            asked_before=request.asked_before,
            meter=meter,
        )
        # behind another base URL than Google's, the model is known from its reply only
        known = None if self._llm and self._llm.traces else asked.model
        sink.starts(request.step, self._service, **described_by(asked if step.asks else None, known))
        began = time.monotonic()
        failure: Failure | None = None
        value: Any = None
        try:
            if step.do is not None:  # else it is the call that begins, when it has its turn
                await begin()
            context = StepContext(
                job=request.job,
                tenant=request.tenant,
                key=request.key,
                attempt=attempt.number,
                deadline=request.deadline,
                model=model,
                emit=sink.emit,
                render=executable.render,
            )
            value = sink.finish(
                await executed(executable, given, context, nobody_waits, request.deadline - self._bus.time.now())
            )
        except Crowded as crowded:
            raise Later(crowded.pause(attempt.message.metadata.num_delivered)) from None
        except Transient as error:
            attempts = choice.attempts if step.asks else _TOOL_ATTEMPTS
            pause = self._pause_before_retry(error, attempt.number, attempts, request.deadline)
            if pause is not None:
                sink.retrying(error.code, pause, model.usage)
                await until_stored(self._bus, "what the attempt cost", attempt.about, events.flush)
                log.info("step is tried again", extra=attempt.about | {"code": error.code, "delay": pause})
                raise Later(pause) from error
            failure = Failure(error.code, str(error))
        except Failure as error:
            failure = error
        except (NobodyWaits, BusUnavailable):
            raise
        except Exception as error:
            brief = f"{type(error).__name__} in the executor of {request.step}"
            said = told(error, step.do) if step.do else brief
            log.exception("an executor raised: %s", said if self._settings.log_contents else brief, extra=attempt.about)
            failure = Failure("step_error", said if self._settings.show_errors else brief)
        finally:
            sink.close()
        sink.begin()
        if failure is not None:
            await model.forget()
        await store(
            failure,
            value=value,
            cached=model.cached,
            **described_by(model.asked if step.asks else None, model.model),
            usage=attempt.spent + model.usage,
            duration_ms=round((time.monotonic() - began) * 1000),
        )
        if cache is not None:
            await cache.stored()

    def _pause_before_retry(self, error: Transient, number: int, attempts: int, deadline: float) -> float | None:
        """Seconds; None where the step has no attempt left, or its job no time for one."""
        if number >= attempts:
            return None
        left = deadline - self._bus.time.now()
        wait = partial(delay, number, first=self._settings.model_retry_delay, longest=_LONGEST_PAUSE)
        pause = wait(requested=error.retry_after)
        if pause >= left:  # it asks for more than the job has; a fallback may be there sooner
            pause = wait()
        return pause if pause < left else None

    async def _store(
        self, attempt: Attempt, events: EventLog, sink: PartSink, fixed: Any, failure: Failure | None, **more: Any
    ) -> None:
        """The last events, then the outcome: what the model was paid for is kept. One too large to be stored fails."""

        async def store(failure: Failure | None) -> None:
            if failure is not None:
                sink.failed()
                more["value"] = None
            await events.flush()
            await self._write(attempt, failure, n=sink.number, **fixed, **more)

        try:
            await until_stored(self._bus, "the outcome", attempt.about, partial(store, failure))
        except Failure as too_large:
            await until_stored(self._bus, "the outcome", attempt.about, partial(store, too_large))

    async def _write(self, attempt: Attempt, failure: Failure | None, **described: Any) -> None:
        """Journal the outcome; one that another attempt wrote first stands."""
        problem = correlation.stamped(failure.problem(), self._bus.time.now()) if failure else None
        outcome = Outcome(
            pattern=attempt.pattern,
            step=attempt.step,
            key=attempt.key,
            attempt=attempt.number,
            i=attempt.id,
            service=self._service,
            dispatched_at=attempt.message.metadata.timestamp.timestamp(),
            failure=problem and problem.model_copy(update={"step": attempt.key}),
            paid=attempt.bill.paid or {},
            prices=PRICES if attempt.bill.paid else None,
            **described,
        )
        job, key = attempt.job, attempt.key
        written = await self._bus.once(subjects.journal(job, key), outcome.model_dump_json().encode())
        if failure is not None:
            detail = correlation.Contents(lambda: str(failure))
            log.info("step failed", extra=attempt.about | {"code": failure.code, "detail": detail})
        await self._spending.has_outcome(job, key, attempt.bill, failure=failure, written=written)
        if attempt.bill.use is not None:
            attempt.traced.outcome = outcome
