"""The client's interface: the same over HTTP and over NATS."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from datetime import date
from typing import Any, Self, TypeVar, overload
from weakref import ref

from pydantic import BaseModel, JsonValue

from penstock.cancelling import stop
from penstock.client.arguments import (
    AnyPattern,
    Request,
    body_of_signal,
    check_cursor,
    check_job,
    check_key,
    check_signal,
    filters,
    json_of,
    name_of,
)
from penstock.client.job_events import EventAt, JobEvents, partial_results, raise_unless_completed
from penstock.contracts.events import JobCompleted
from penstock.contracts.fleet import Fleet
from penstock.contracts.job import JobPage, JobState, JobStatus, JobSummary
from penstock.contracts.options import PatternRequest
from penstock.contracts.usage import By, UsageReport
from penstock.contracts.waiting import Signal
from penstock.pattern import Pattern
from penstock.patterns.loading import load
from penstock.settings import Settings

Req = TypeVar("Req", bound=PatternRequest)
Res = TypeVar("Res", bound=BaseModel)

_PAGE = 100


class Client(ABC):
    """Submit jobs, follow them, end them. Use as `async with`.

    `pattern` is a `Pattern`, such as `penstock.patterns.routing.PATTERN`, or its name.

    `idempotency_key`, 1 to 255 visible ASCII characters, makes a submission safe to repeat: the same key with the
    same request is the same job, over HTTP and over NATS alike; with another request it is refused. Without one, a
    submission that has to be tried again is still made once.

    Every method may raise Unreachable. A connection that is lost while a job is followed is made again, and the
    events continue behind the last one.
    """

    def __init__(self) -> None:
        #: What reads the events of each job that is followed.
        self._reading: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close what the client itself has opened; what follows jobs is told so (Unreachable). Jobs go on."""
        await stop(*self._reading)
        await self._close()

    @abstractmethod
    async def _close(self) -> None:
        """Close the connection."""

    @abstractmethod
    async def check(self) -> None:
        """Raise Unreachable, at once, if nobody answers."""

    async def submit(self, pattern: AnyPattern, request: Request, *, idempotency_key: str | None = None) -> str:
        """Submit a job; its id, once it is stored. Raises RequestRefused."""
        name, body = name_of(pattern), json_of(request)
        check_key(idempotency_key, name)
        return await self._submit(pattern, name, body, idempotency_key)

    @abstractmethod
    async def _submit(self, pattern: AnyPattern, name: str, body: bytes, key: str | None) -> str:
        """As `submit`: `name` is the pattern's."""

    async def state(self, job: str) -> JobState:
        """What is known of a job. Raises UnknownJob."""
        check_job(job)
        return await self._state(job)

    @abstractmethod
    async def _state(self, job: str) -> JobState: ...

    async def cancel(self, job: str) -> JobState:
        """End a job, unless it has ended: its state after that. Raises UnknownJob."""
        check_job(job)
        return await self._cancel(job)

    @abstractmethod
    async def _cancel(self, job: str) -> JobState: ...

    async def signal(self, job: str, name: str, body: BaseModel | JsonValue) -> Signal:
        """Say something to a job that waits for it, or will: what counts, the first signal of that name.

        The same once more changes nothing. Raises UnknownJob, RequestRefused.
        """
        check_job(job)
        check_signal(name)
        return await self._signal(job, name, body_of_signal(body))

    @abstractmethod
    async def _signal(self, job: str, name: str, body: bytes) -> Signal: ...

    async def retry(self, job: str) -> str:
        """Submit a job that failed, or was cancelled, once more; the new job's id.

        What the first one has finished is not done again. Asked for again it is the same new job, unless that has
        failed as well. Raises UnknownJob, RequestRefused.
        """
        check_job(job)
        return await self._retry(job)

    @abstractmethod
    async def _retry(self, job: str) -> str: ...

    async def jobs(
        self,
        *,
        pattern: str | None = None,
        status: JobStatus | None = None,
        since: float | None = None,
        until: float | None = None,
        tenant: str | None = None,
    ) -> AsyncGenerator[JobSummary, None]:
        """The jobs there are, newest first, read page by page. `since`, `until`: Unix seconds of submission.

        Over HTTP an admin's key lists those of all tenants, or of one. Raises RequestRefused.
        """
        query = filters(pattern, status, since, until, tenant) | {"limit": _PAGE}
        while True:
            page = await self._page(query)
            for job in page.jobs:
                yield job
            if page.next is None:
                return
            query["cursor"] = page.next

    @abstractmethod
    async def _page(self, query: Mapping[str, Any]) -> JobPage:
        """A page of `jobs`: up to `limit` of them, behind the `cursor` that the page before has as its `next`."""

    @abstractmethod
    def _events(self, job: str, after: int) -> AsyncGenerator[EventAt, None]:
        """The events behind the cursor `after`, up to the job's end."""

    @abstractmethod
    async def usage(
        self, first: date | None = None, last: date | None = None, by: Sequence[By] = ("day",)
    ) -> UsageReport:
        """What was used from one day (UTC) to another, both included; by default in the last 30 days.

        Raises RequestRefused for more than 1,000 days, or none.
        """

    @abstractmethod
    async def fleet(self) -> Fleet:
        """Every process that answers just now, what waits for them, and how limited models stand.

        Over HTTP it takes an admin's key, where keys are needed. Raises RequestRefused.
        """

    def follow(self, job: str, *, after: int = 0) -> JobEvents:
        """A job's events from its first, or behind the cursor `after`; live, to its end. Raises UnknownJob."""
        check_job(job)
        check_cursor(after)
        return JobEvents(job, self._events(job, after), self._reading)

    def stream(self, pattern: AnyPattern, request: Request, *, idempotency_key: str | None = None) -> JobEvents:
        """Submit at the first event asked for, and follow. Raises RequestRefused.

        A job's failure is its last event: it is not raised.
        """

        async def events() -> AsyncGenerator[EventAt, None]:
            job = await self.submit(pattern, request, idempotency_key=idempotency_key)
            if (following := left()) is not None:
                following.job = job
                del following
            async with aclosing(self._events(job, 0)) as placed:
                async for one in placed:
                    yield one

        following = JobEvents("", events(), self._reading)
        left = ref(following)  # what reads does not keep what is read: so it is closed when that is left
        return following

    def partials(
        self, pattern: AnyPattern, request: Request, *, idempotency_key: str | None = None
    ) -> AsyncIterator[Any]:
        """Submit, and show the result as it grows (see `penstock.client.partial_results`)."""
        return partial_results(self.stream(pattern, request, idempotency_key=idempotency_key))

    @overload
    async def run(
        self, pattern: Pattern[Req, Res], request: Req | Mapping[str, Any], *, idempotency_key: str | None = ...
    ) -> Res: ...

    @overload
    async def run(self, pattern: str, request: Request, *, idempotency_key: str | None = ...) -> Any: ...

    async def run(self, pattern: AnyPattern, request: Request, *, idempotency_key: str | None = None) -> Any:
        """Submit, and await the result: the pattern's result model; for a name not known here, plain JSON.

        Raises RequestRefused, JobFailedError, JobCancelledError.
        """
        known = load(Settings().patterns).get(pattern) if isinstance(pattern, str) else pattern
        async with self.stream(pattern, request, idempotency_key=idempotency_key) as events:
            async for event in events:
                raise_unless_completed(events.job, event)
        assert isinstance(event, JobCompleted)
        return event.result if known is None else known.result.model_validate(event.result, extra="ignore")
