"""One job message, from delivery to the job's end."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from typing import Any

from nats.aio.msg import Msg

from penstock import correlation
from penstock.cancelling import stop
from penstock.contracts.events import JobAccepted, JobFailed, RunEvent, SubmissionRefused
from penstock.contracts.journal import END, START, JobEnd, JobStart
from penstock.contracts.options import PatternRequest
from penstock.contracts.step import Step, StepMessage
from penstock.contracts.usage import Usage
from penstock.contracts.waiting import TimerFired, Waiting, timer_key
from penstock.contracts.wire import JobName, is_tenant, is_token, rfc3339
from penstock.errors import Failure
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.event_log import EventLog
from penstock.jetstream.settling import GivenUp, Later, dead_letter, settling, until_stored
from penstock.jobs.ending import end_event
from penstock.jobs.lookup import first_try
from penstock.jobs.refusals import no_job
from penstock.jobs.submission import parse_request, paying_key
from penstock.jobs.timers import set_timer
from penstock.pattern import Pattern
from penstock.runs.earlier import Earlier
from penstock.runs.journal import Journal
from penstock.runs.lanes import Sending, Shares
from penstock.runs.newer import NewerFacts
from penstock.runs.parking import Parking
from penstock.runs.replay import ReplayRun
from penstock.runs.task import check_all_asked
from penstock.runs.told import Told, failure_of, times_begun
from penstock.runs.turns import Submitted, Turns
from penstock.runs.versions import Versions, begun
from penstock.runs.waiting import Waits
from penstock.runs.work import Work
from penstock.settings import Settings
from penstock.webhooks.delivery import enqueue


class JobHandler:
    """Runs jobs. Any replica may be given any delivery of any job."""

    def __init__(self, *, bus: Bus, patterns: Mapping[str, Pattern[Any, Any]], settings: Settings) -> None:
        self._bus, self._patterns, self._settings = bus, patterns, settings
        self._shares, self._newer = Shares(settings.share), NewerFacts()
        self.turns = Turns(bus, patterns, settings.share)
        self.versions = Versions(bus, patterns, settings.handover)
        self.tell_end: Callable[[str, JobStart, JobEnd], None] = lambda *_: None

    async def handle(self, message: Msg) -> None:
        """Settle one delivery of a job, or of its turn.

        Acked once its end is written and published; terminated where it can never run. Handed back where another
        replica is to run it, and where NATS was away meanwhile: it may have forgotten what it confirmed.
        """
        name, job = subjects.of_job(message.subject)
        about = {**job.about, "pattern": name, "delivery": message.metadata.num_delivered}
        reconnects = self._bus.connection.stats["reconnects"]
        async with settling(self._bus, message, "job", about):
            if not (is_token(job.id) and is_tenant(job.tenant)):
                bad_id = no_job(message.subject)
                if not subjects.events(job).startswith(subjects.chat(job.tenant, "")):  # those are no job's
                    problem = correlation.stamped(bad_id.problem())
                    await self._tell(job, JobFailed(id=END, problem=problem, usage=Usage()))
                raise GivenUp(bad_id.code, bad_id.detail)
            if (submitted := await self.turns.submitted(message)) is not None:
                with self.turns.running(job.tenant):
                    async with Journal.following(self._bus, job) as journal:
                        parking = Parking(journal, subjects.job(name, job))
                        await self._process(message, submitted, name, job, about, journal, parking)
            if self._bus.connection.stats["reconnects"] > reconnects:
                raise Later(0)

    async def wake(self, message: Msg) -> None:
        """Settle a signal, or what is due: acked at once where the job is not parked, else as `handle` does."""
        job, kind, key = subjects.of_wake_up(message.subject)
        about = {**job.about, kind: key, "delivery": message.metadata.num_delivered}
        async with settling(self._bus, message, "wake-up", about), Journal.following(self._bus, job) as journal:
            if (start := journal.start) is None:  # whoever begins it will see the signal
                return
            if subjects.stream_of(message.subject) == subjects.TIMERS and journal.end is None:
                at = datetime.fromtimestamp(self._bus.time.now(), UTC)
                await journal.write(timer_key(key), TimerFired(key=key, fired_at=at))
            parking = Parking(journal, message.subject)
            if await parking.is_mine(self._bus.time.now()):
                submitted = await self.turns.of_job(start.pattern, job)
                await self._process(message, submitted, start.pattern, job, about, journal, parking)

    async def _process(
        self,
        message: Msg,
        submitted: Submitted,
        name: str,
        job: JobName,
        about: dict[str, Any],
        journal: Journal,
        parking: Parking,
    ) -> None:
        if journal.end is None:
            await self.versions.leave_to_others(name, journal.start, message, parking.parked_for)
        told_of_it = Told(job, name, submitted, about)
        body_hash = hashlib.sha256(submitted.body).hexdigest()
        request: PatternRequest | None = None
        problem: Failure | None = None
        try:
            request = parse_request(self._patterns, name, submitted.body, self._settings)
        except Failure as refusal:
            if journal.end is None:
                await self.versions.leave_to_newer(submitted)
            problem = refusal
        urgency = request.options.urgency if request else "normal"
        sending = Sending(self._bus, self._shares, job, urgency, resumes=journal.start is not None)
        async with aclosing(EventLog(self._bus, job)) as events, aclosing(sending):
            if (start := journal.start) is None:
                deadline = submitted.at + ((request and request.options.deadline_seconds) or self._settings.deadline)
                start = JobStart(
                    pattern=name,
                    body_hash=body_hash,
                    accepted_at=submitted.at,
                    deadline=deadline,
                    waiting_counts=request is not None and request.options.deadline_counts == "all",
                    version=self._patterns[name].version if request else "",
                    retry_of=first_try(submitted.headers, job),
                    paying_key=paying_key(submitted.headers),
                )
                start = await journal.write(START, start)
            if (start.pattern, start.body_hash) != (name, body_hash):
                detail = f"job {job.id} was first submitted to {start.pattern}, or with another body"
                taken = correlation.stamped(Failure("job_id_taken", detail).problem())
                refused = SubmissionRefused(id=f"refused:{name}:{body_hash[:16]}", pattern=name, problem=taken)
                await self._tell(job, refused)
                raise GivenUp(taken.code, detail)
            if not await parking.is_mine(self._bus.time.now()):
                return
            if (end := journal.end) is None:
                self._newer.leave(job, self._bus.time.now())
                begun = await times_begun(self._bus, job) - parking.resumed if message.metadata.num_delivered > 1 else 0
                # stored before the run begins: it counts those that do not survive it
                deadline = start.deadline_after(parking.parked_for)
                events.send(JobAccepted(id="accepted", job=job.id, pattern=name, deadline=deadline))
                await events.flush()
                if problem is None and begun >= self._settings.max_deliveries * 4:
                    problem = Failure("poisoned", f"begun {begun} times; its aggregators did not survive it")
                if problem is not None:
                    await dead_letter(self._bus, message, problem.code, f"{problem.code}: {problem.detail}")
                told_of_it.begins()
                ended = partial(self._ended, name, job, start, request, problem, journal, events, parking, sending)
                end = await until_stored(self._bus, "the run", about, ended)
            if end is not None:
                events.send(end_event(end))
                await events.flush()
                await enqueue(self._bus, job, request)
                told_of_it.ended(start, end)
                self.tell_end(name, start, end)

    async def _ended(
        self,
        name: str,
        job: JobName,
        start: JobStart,
        request: PatternRequest | None,
        problem: Failure | None,
        journal: Journal,
        events: EventLog,
        parking: Parking,
        sending: Sending,
    ) -> JobEnd | None:
        """Run the job, unless there is a problem, and write its end. Called again, it goes on by the journal.

        None: it is parked, or another one has taken it up.
        """
        result: dict[str, Any] | None = None
        while problem is None and request is not None and journal.end is None:
            if not await parking.is_mine(self._bus.time.now()):
                return None
            shift, until = len(parking.shifts), start.deadline_after(parking.parked_for)
            begun = start.model_copy(update={"deadline": until})
            result, problem, waits = await self._run(name, job, begun, request, journal, events, sending)
            if not waits:
                break
            if start.waiting_counts:
                waits.append(deadline := Waiting(key="=deadline", until=datetime.fromtimestamp(until, UTC)))
                await set_timer(self._bus, job, deadline.key, deadline.until)
            if await parking.park(shift, waits, self._bus.time.now()):
                return None
        return journal.end or await self._write_end(name, journal, result, problem)

    async def _tell(self, job: JobName, event: RunEvent) -> None:
        """Why a message is not run, where whoever published it listens. Told again, it has the same id."""
        await self._bus.append(subjects.events(job), event.model_dump_json().encode())

    async def _run(
        self,
        name: str,
        job: JobName,
        start: JobStart,
        request: PatternRequest,
        journal: Journal,
        events: EventLog,
        sending: Sending,
    ) -> tuple[dict[str, Any] | None, Failure | None, list[Waiting]]:
        """The pattern's result, or why there is none; neither if the job was ended elsewhere (cancelled, say).

        Neither also where it only waits: then what for.
        """
        pattern = self._patterns[name]
        earlier = await Earlier.of(self._bus, job, start)

        async def dispatch(step: Step[Any, Any], message: StepMessage) -> None:
            if not await earlier.has_done(message, journal, events):
                await sending.send(step, message)

        waits = Waits(
            journal,
            start=start,
            tell=events.send,
            clock=self._bus.time.now,
            set_timer=partial(set_timer, self._bus, job),
            kept_days=self._settings.jobs_max_age_days,
        )
        newer = self._newer.of(journal, job, start.deadline)
        work = Work(
            job=job,
            start=start,
            journal=journal,
            events=events,
            dispatch=dispatch,
            clock=self._bus.time.now,
            fan_out=self._settings.fan_out,
            max_steps=self._settings.max_steps,
            waits=waits,
            settled=sending.settled,
            is_for_another=newer.has,
            begun=partial(begun, self._bus, journal, job),
            inherited=earlier.outcomes,
            seed=earlier.seed,
        )

        async def complete() -> dict[str, Any]:
            _, document = await ReplayRun(work, pattern, request.options).complete(request)
            if start.version != pattern.version:
                await check_all_asked(work)
            await events.flush()
            return document

        working = asyncio.ensure_future(complete())
        ending = asyncio.ensure_future(journal.wait_for(END))
        idling = asyncio.ensure_future(waits.idle(lambda: work.at_work > 0))
        try:
            left = start.deadline - self._bus.time.now()
            ways = (working, ending, idling, newer.found)
            await asyncio.wait(ways, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                if ending.done():
                    return None, None, []
                if idling.done():
                    await events.flush()
                    return None, None, idling.result()
                if newer.found.done() and left > 0:
                    newer.found.result()
                until = datetime.fromtimestamp(start.deadline, UTC)
                raise Failure("deadline_exceeded", f"the job had until {rfc3339(until)}")
            return working.result(), None, []
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and not (working.done() and working.cancelled()):
                raise  # this replica is being stopped; the pattern did not cancel itself
            return None, self.versions.explained(failure_of(error, pattern, self._settings), start), []
        finally:
            work.over = True
            await stop(working, ending, idling, newer.found)

    async def _write_end(
        self, name: str, journal: Journal, result: dict[str, Any] | None, problem: Failure | None
    ) -> JobEnd:
        now = self._bus.time.now()
        end = JobEnd(
            pattern=name,
            status="failed" if problem else "completed",
            ended_at=now,
            result=result,
            problem=correlation.stamped(problem.problem(), now) if problem else None,
            missing=tuple(path for path, value in (result or {}).items() if value is None),
            usage=sum((outcome.usage for outcome in journal.outcomes()), start=Usage()),
        )
        try:
            return await journal.write(END, end)
        except Failure as too_large:
            return await self._write_end(name, journal, None, too_large)
