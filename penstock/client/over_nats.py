"""The client over NATS: no gateway needed."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any, Self

from nats.errors import Error as NatsError
from nats.micro.request import ERROR_CODE_HEADER

from penstock import jobs
from penstock.client.arguments import AnyPattern
from penstock.client.client import Client
from penstock.client.errors import RequestRefused, UnknownJob, Unreachable, in_time
from penstock.client.job_events import EventAt
from penstock.contracts.fleet import Fleet
from penstock.contracts.job import JobPage, JobState
from penstock.contracts.problem import Problem
from penstock.contracts.usage import By, UsageReport
from penstock.contracts.waiting import Signal, SignalRequest
from penstock.contracts.wire import DEFAULT_TENANT, JobName, is_tenant
from penstock.errors import Failure
from penstock.fleet.gathering import gathered
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect, told_apart
from penstock.jetstream.repartitioning import declared
from penstock.jobs.follow import Follower
from penstock.jobs.submission import body_of, parse_request
from penstock.patterns.loading import load
from penstock.printable import without_credentials
from penstock.settings import Settings
from penstock.usage import Folding, days, report

#: Seconds in which a service answers, and NATS, when it is asked how many partitions there are.
_ANSWER, _LOOK = 10.0, 1.0


class NatsClient(Client):
    """`nats`: a URL, or Settings. `bus` is its connection; `patience`: seconds to wait for it at first.

    `tenant`: whose jobs it is about.

    A request to a pattern that is known here is checked before it is published, as the gateway does. One to
    a pattern that is not is published as it is; where no aggregator knows it either, the job fails.
    """

    bus: Bus

    def __init__(self, nats: Settings | str, *, tenant: str = DEFAULT_TENANT, patience: float = 4.0) -> None:
        super().__init__()
        if not is_tenant(tenant):
            raise ValueError(f"a tenant is 1 to 32 of a-z 0-9 -, and begins with none, not {tenant[:100]!r}")
        self.tenant = tenant
        self._settings = Settings(nats_url=nats) if isinstance(nats, str) else nats
        self._patience = patience

    async def __aenter__(self) -> Self:
        heard = deque[Exception](maxlen=32)
        try:
            async with asyncio.timeout(self._patience):
                self.bus = await connect(self._settings, "penstock-client", heard.append)
                with suppress(NatsError):  # it may be too early to know; then the settings say it
                    there = await declared(self.bus.connection, patience=_LOOK)
                    self.bus.partitions = there or self.bus.partitions
        except (TimeoutError, OSError, NatsError) as error:
            # that it refuses us counts more than how the connections ended that were made before or after it said so
            by_worth = sorted(map(str, heard), key=lambda one: "authorization" in one.lower())
            why = str(error) or "".join(by_worth[-1:]) or "not in time"
            raise self._unreachable(why) from error
        return self

    async def _close(self) -> None:
        await self.bus.connection.close()

    async def check(self) -> None:
        if not self.bus.connection.is_connected:
            raise self._unreachable("the connection is lost")

    def _unreachable(self, why: str) -> Unreachable:
        return Unreachable(told_apart(self._settings, without_credentials(why)))

    async def _submit(self, pattern: AnyPattern, name: str, body: bytes, key: str | None) -> str:
        known = load(self._settings.patterns).get(name) if isinstance(pattern, str) else pattern
        try:
            if known is not None:
                body = body_of(parse_request({name: known}, name, body))
            job = jobs.job_of(key, name, self.tenant) if key is not None else JobName(self.tenant, jobs.new_job_id())
            with in_time(f"submitting job {job.id}"):
                await jobs.submit(self.bus, name, job, body, keyed=key is not None)
        except Failure as failure:
            raise RequestRefused(failure.problem()) from failure
        return job.id

    async def _state(self, job: str) -> JobState:
        return await self._found(job, jobs.look_up_with_queue)

    async def _cancel(self, job: str) -> JobState:
        return await self._found(job, jobs.cancel)

    async def _retry(self, job: str) -> str:
        try:
            return (await self._found(job, jobs.retry)).id
        except Failure as failure:
            raise RequestRefused(failure.problem()) from failure

    async def _found(self, job: str, ask: Callable[[Bus, JobName], Awaitable[JobState | None]]) -> JobState:
        with in_time(f"asking for job {job}"):
            state = await ask(self.bus, JobName(self.tenant, job))
        if state is None:
            raise UnknownJob(job)
        return state

    async def _signal(self, job: str, name: str, body: bytes) -> Signal:
        try:
            with in_time(f"giving job {job} a signal"):
                return await jobs.signal(self.bus, load(self._settings.patterns), JobName(self.tenant, job), name, body)
        except Failure as failure:
            problem = failure.problem()
        if problem.code == "unknown_pattern":  # to us; the services may know it
            asked = SignalRequest(id=job, name=name, body=json.loads(body)).model_dump_json().encode()
            try:
                answer = await self.bus.connection.request(subjects.api("signal", self.tenant), asked, _ANSWER)
            except NatsError as error:
                raise Unreachable(f"giving job {job} a signal: {error!r}") from error
            if ERROR_CODE_HEADER not in (answer.headers or {}):
                return Signal.model_validate_json(answer.data)
            problem = Problem.model_validate_json(answer.data)
        if problem.code == "unknown_job":
            raise UnknownJob(job)
        raise RequestRefused(problem)

    async def _page(self, query: Mapping[str, Any]) -> JobPage:
        with in_time("listing jobs"):
            return await jobs.page(self.bus, **{"tenant": self.tenant, **query})

    async def usage(
        self, first: date | None = None, last: date | None = None, by: Sequence[By] = ("day",)
    ) -> UsageReport:
        try:
            first, last = days(first, last)
        except ValueError as error:
            raise RequestRefused.invalid(str(error)) from error
        with in_time("reading what was used"):
            await Folding(self.bus).fold()
            return await report(self.bus, first, last, by)

    async def fleet(self) -> Fleet:
        with in_time("asking the fleet"):
            return await gathered(self.bus)

    async def _events(self, job: str, after: int) -> AsyncGenerator[EventAt, None]:
        state = await self._found(job, jobs.look_up)
        with in_time(f"following job {job}"):
            async with Follower(self.bus, JobName(self.tenant, job), publish_missing_end=state.ended) as follower:
                async for batch in follower:
                    for delivered in batch:
                        if delivered.place > after or follower.truncated:
                            yield delivered.event, delivered.cursor
