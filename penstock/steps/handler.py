"""One step message, from delivery to settlement."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from typing import Any

from nats.aio.msg import Msg
from pydantic import BaseModel, ValidationError

from penstock.cancelling import stop
from penstock.contracts.journal import END, Outcome
from penstock.contracts.problem import Problem
from penstock.contracts.step import StepMessage
from penstock.contracts.usage import Usage
from penstock.errors import BusUnavailable, Failure, Transient
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.event_log import EventLog
from penstock.llm.ask import StepModel
from penstock.llm.client import Llm
from penstock.llm.labels import CallLabels
from penstock.llm.tiers import Tiers, select_model
from penstock.settings import Settings
from penstock.steps.backoff import delay
from penstock.steps.executor import Executable
from penstock.steps.parts import PartSink

log = logging.getLogger(__name__)

#: Deliveries after which a tool that does not work fails its step.
_TOOL_ATTEMPTS = 3


class StepHandler:
    """Executes the steps of one service. `service` is the name that events and outcomes show."""

    def __init__(
        self,
        *,
        bus: Bus,
        llm: Llm,
        tiers: Tiers,
        executables: Mapping[str, Executable],
        service: str,
        settings: Settings,
    ) -> None:
        self._bus, self._llm, self._tiers = bus, llm, tiers
        self._executables, self._service, self._settings = executables, service, settings

    async def handle(self, message: Msg) -> None:
        """Settle one delivery.

        Acked: the step has an outcome, or its job has ended. Handed back with a delay: it is worth another
        try. Terminated: it can never succeed; its failure was journaled and a copy dead-lettered before.
        """
        _, step, job, key = subjects.parse_step(message.subject)
        attempt = message.metadata.num_delivered
        about = {"job": job, "step": step, "key": key, "attempt": attempt}
        try:
            await self._settle(message, job, step, key, attempt)
        except BusUnavailable as error:
            log.warning("NATS was away; the step is redelivered", extra={**about, "error": str(error)})
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("a step could not be settled; it is redelivered", extra=about)
            with contextlib.suppress(Exception):
                await message.nak(self._backoff(attempt, None))

    async def _settle(self, message: Msg, job: str, step: str, key: str, attempt: int) -> None:
        cancelled = asyncio.Event()

        async def ended(_: Msg) -> None:
            cancelled.set()

        # listen before reading, so that an end in between is not missed
        end = await self._bus.connection.subscribe(subjects.fact(job, END), cb=ended)
        try:
            known = await self._bus.last(subjects.JOURNAL, [subjects.journal(job, key), subjects.journal(job, END)])
            if known:
                await message.ack()
                return
            try:
                request = StepMessage.model_validate_json(message.data)
            except ValidationError as error:
                await self._give_up(message, job, step, key, attempt, Failure("step_error", _where(error)))
                return
            if (request.job, request.step, request.key) != (job, step, key):
                failure = Failure("step_error", f"the message on {message.subject} is for another step")
                await self._give_up(message, job, step, key, attempt, failure)
                return
            if attempt > self._settings.max_deliveries:
                poisoned = Failure("poisoned", f"given up at delivery {attempt}; its executors did not survive it")
                await self._give_up(message, job, step, key, attempt, poisoned, request)
                return
            async with contextlib.aclosing(EventLog(self._bus, job)) as events:
                await self._attempt(message, request, attempt, cancelled, events)
        finally:
            if not self._bus.connection.is_closed:
                await end.unsubscribe()

    async def _attempt(
        self, message: Msg, request: StepMessage, attempt: int, cancelled: asyncio.Event, events: EventLog
    ) -> None:
        executable = self._executables[request.step]
        tier = select_model(request.complexity, request.priority)
        model_name = self._tiers.model_for(tier, attempt) if executable.uses_model else None
        sink = self._sink(request, attempt, events)
        model = StepModel(
            self._llm,
            model=model_name or "",
            labels=CallLabels(job=request.job, key=request.key, step=request.step),
            sink=sink,
        )
        # behind another base URL than Google's, only the reply says which model it was
        sink.started(request.step, self._service, None if self._llm.traces else model_name)
        began = time.monotonic()
        failure: Failure | None = None
        value: Any = None
        try:
            output = await self._until_cancelled(self._execute(executable, request, model), cancelled)
            value = sink.finish(output)
        except _JobEnded:
            await message.ack()
            return
        except Transient as error:
            pause = self._backoff(attempt, error.retry_after)
            spent = self._tiers.exhausted(tier, attempt) if executable.uses_model else attempt >= _TOOL_ATTEMPTS
            if not spent and time.time() + pause < request.deadline:
                sink.retrying(error.code, pause)
                await events.flush()
                await message.nak(pause)
                log.info("step is tried again", extra=_about(request, attempt) | {"code": error.code, "delay": pause})
                return
            failure = Failure(error.code, str(error))
        except Failure as error:
            failure = error
        except Exception as error:
            log.exception("an executor raised", extra=_about(request, attempt))
            failure = Failure("step_error", f"{type(error).__name__} in the executor of {request.step}")
        finally:
            sink.aclose()
        if failure:
            sink.failed()
        await events.flush()
        outcome = Outcome(
            step=request.step,
            key=request.key,
            fingerprint=request.fingerprint,
            attempt=attempt,
            service=self._service,
            into=request.into,
            value=None if failure else value,
            failure=_problem(failure, request.key) if failure else None,
            model=model.model if executable.uses_model else None,
            usage=model.usage,
            duration_ms=round((time.monotonic() - began) * 1000),
        )
        try:
            await self._write(request.job, outcome)
        except Failure as too_large:
            sink.failed()
            await events.flush()
            small = {"value": None, "failure": _problem(too_large, outcome.key)}
            await self._write(request.job, outcome.model_copy(update=small))
        await message.ack()

    def _sink(self, request: StepMessage, attempt: int, events: EventLog) -> PartSink:
        return PartSink(
            events,
            key=request.key,
            attempt=attempt,
            into=request.into,
            output=self._executables[request.step].step.output,
            flush_interval=self._settings.flush_interval,
        )

    async def _execute(self, executable: Executable, request: StepMessage, model: StepModel) -> Any:
        step_input: BaseModel = executable.step.input.model_validate(request.input)
        left = request.deadline - time.time()
        if left <= 0:
            raise Failure("deadline_exceeded", "the job's deadline passed before the step began")
        try:
            async with asyncio.timeout(left) as limit:
                return await executable.execute(step_input, model=model)
        except TimeoutError:
            if limit.expired():
                raise Failure("deadline_exceeded", "the job's deadline passed during the step") from None
            raise

    async def _until_cancelled(self, work: Any, cancelled: asyncio.Event) -> Any:
        """The work's result, or _JobEnded as soon as the job has ended: the model call is closed then."""
        working = asyncio.ensure_future(work)
        ending = asyncio.ensure_future(cancelled.wait())
        try:
            await asyncio.wait((working, ending), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            raise _JobEnded
        finally:
            await stop(working, ending)

    async def _write(self, job: str, outcome: Outcome) -> None:
        """Journal the outcome; one that another attempt wrote first stands."""
        await self._bus.once(subjects.journal(job, outcome.key), outcome.model_dump_json().encode())

    async def _give_up(
        self,
        message: Msg,
        job: str,
        step: str,
        key: str,
        attempt: int,
        failure: Failure,
        request: StepMessage | None = None,
    ) -> None:
        """Journal the failure first (a step without an outcome would hang its job), then keep a copy, then term."""
        outcome = Outcome(
            step=step,
            key=key,
            fingerprint=request.fingerprint if request else "",
            attempt=attempt,
            service=self._service,
            failure=_problem(failure, key),
            usage=Usage(),
        )
        if request is not None:  # what an attempt that did not survive has written is void
            async with contextlib.aclosing(EventLog(self._bus, job)) as events:
                self._sink(request, attempt, events).failed()
                await events.flush()
        await self._write(job, outcome)
        await self._bus.dead_letter(message, failure.code, failure.detail)
        await message.term()

    def _backoff(self, attempt: int, retry_after: float | None) -> float:
        return delay(attempt, base=self._settings.model_retry_delay, retry_after=retry_after)


class _JobEnded(Exception):
    """The job has its end: whatever this step would say, nobody waits for it."""


def _problem(failure: Failure, key: str) -> Problem:
    return failure.problem().model_copy(update={"step": key})


def _about(request: StepMessage, attempt: int) -> dict[str, Any]:
    return {"job": request.job, "step": request.step, "key": request.key, "attempt": attempt}


def _where(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"the step message does not fit: {'.'.join(map(str, first['loc']))}: {first['msg']}"
