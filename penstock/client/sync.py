"""The client for scripts and notebooks: without `async`, whether an event loop runs or not.

with SyncClient(HttpClient("http://127.0.0.1:8080")) as client:
    for event in client.stream("routing", {"query": "Where is my order?"}):
        print(event.type)
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import AbstractContextManager, suppress
from datetime import date
from threading import Lock, Thread
from typing import Any, TypeVar, overload

from pydantic import BaseModel, JsonValue

from penstock.client.arguments import AnyPattern, Request
from penstock.client.client import Client, Req, Res
from penstock.client.errors import Unreachable
from penstock.client.job_events import JobEvents
from penstock.contracts.events import Event
from penstock.contracts.fleet import Fleet
from penstock.contracts.job import JobState, JobStatus, JobSummary, Snapshot
from penstock.contracts.usage import By, UsageReport
from penstock.contracts.waiting import Signal
from penstock.pattern import Pattern

T = TypeVar("T")


class SyncClient(AbstractContextManager["SyncClient"]):
    """What `client` (HttpClient, NatsClient) does, each call returning once it is done. Raises the same.

    The client lives in a thread with an event loop of its own, from here to `close()`; a process that ends does not
    wait for it. Calls may come from several threads. Ctrl-C gives up a call, and not the job. Calls that `close()`
    finds under way, and those after it, raise Unreachable.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._calls: set[Future[Any]] | None = set()  # None: closed
        self._changing = Lock()
        opened: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = Thread(target=asyncio.run, args=(self._live(opened),), name="penstock-client", daemon=True)
        self._thread.start()
        self._loop = opened.result()

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the client, and end what follows jobs. Jobs go on. May be called twice."""
        with self._changing:
            calls, self._calls = self._calls, None
            for asked in calls or ():
                asked.cancel()
        if calls is not None:
            self._loop.call_soon_threadsafe(self._left.set)
        self._thread.join()

    def check(self) -> None:
        self._call(self._client.check())

    def submit(self, pattern: AnyPattern, request: Request, *, idempotency_key: str | None = None) -> str:
        return self._call(self._client.submit(pattern, request, idempotency_key=idempotency_key))

    def state(self, job: str) -> JobState:
        return self._call(self._client.state(job))

    def cancel(self, job: str) -> JobState:
        return self._call(self._client.cancel(job))

    def signal(self, job: str, name: str, body: BaseModel | JsonValue) -> Signal:
        return self._call(self._client.signal(job, name, body))

    def retry(self, job: str) -> str:
        return self._call(self._client.retry(job))

    def jobs(
        self,
        *,
        pattern: str | None = None,
        status: JobStatus | None = None,
        since: float | None = None,
        until: float | None = None,
        tenant: str | None = None,
    ) -> Iterator[JobSummary]:
        return self._each(self._client.jobs(pattern=pattern, status=status, since=since, until=until, tenant=tenant))

    def usage(self, first: date | None = None, last: date | None = None, by: Sequence[By] = ("day",)) -> UsageReport:
        return self._call(self._client.usage(first, last, by))

    def fleet(self) -> Fleet:
        return self._call(self._client.fleet())

    def follow(self, job: str, *, after: int = 0) -> "SyncJobEvents":
        return SyncJobEvents(self, self._client.follow(job, after=after))

    def stream(self, pattern: AnyPattern, request: Request, *, idempotency_key: str | None = None) -> "SyncJobEvents":
        return SyncJobEvents(self, self._client.stream(pattern, request, idempotency_key=idempotency_key))

    def partials(self, pattern: AnyPattern, request: Request, *, idempotency_key: str | None = None) -> Iterator[Any]:
        return self._each(self._client.partials(pattern, request, idempotency_key=idempotency_key))

    @overload
    def run(
        self, pattern: Pattern[Req, Res], request: Req | Mapping[str, Any], *, idempotency_key: str | None = ...
    ) -> Res: ...

    @overload
    def run(self, pattern: str, request: Request, *, idempotency_key: str | None = ...) -> Any: ...

    def run(self, pattern: AnyPattern, request: Request, *, idempotency_key: str | None = None) -> Any:
        return self._call(self._client.run(pattern, request, idempotency_key=idempotency_key))

    async def _live(self, opened: "Future[asyncio.AbstractEventLoop]") -> None:
        self._left = asyncio.Event()
        try:
            async with self._client:
                opened.set_result(asyncio.get_running_loop())
                await self._left.wait()
        except Exception as error:
            if opened.done():
                raise
            opened.set_exception(error)

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        # together: what is given to the loop after its end would never be answered
        with self._changing:
            if (calls := self._calls) is None:
                coroutine.close()
                raise Unreachable("the client is closed")
            calls.add(asked := asyncio.run_coroutine_threadsafe(coroutine, self._loop))
        try:
            return asked.result()
        except CancelledError:
            raise Unreachable("the client was closed") from None
        finally:
            asked.cancel()  # where the wait was given up
            with self._changing:
                calls.discard(asked)

    def _each(self, source: AsyncIterator[T]) -> Iterator[T]:
        """What is left early, the loop closes when it is collected."""
        while True:
            try:
                one = self._call(_next(source))
            except StopAsyncIteration:
                return
            yield one


class SyncJobEvents(Iterator[Event | Snapshot], AbstractContextManager["SyncJobEvents"]):
    """A job's events, as JobEvents has them: leave the loop early and it is closed when it is collected."""

    def __init__(self, client: SyncClient, events: JobEvents) -> None:
        self._call, self._events = client._call, events

    @property
    def job(self) -> str:
        """The job's id; "" until a stream's job is submitted, at the first event the latest."""
        return self._events.job

    @property
    def cursor(self) -> int:
        """Of the last event: give it to `follow(job, after=…)`, of any client, to continue behind it."""
        return self._events.cursor

    def __next__(self) -> Event | Snapshot:
        try:
            return self._call(_next(self._events))
        except StopAsyncIteration:
            raise StopIteration from None

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with suppress(Unreachable):  # the client is closed, and has closed these
            self._call(self._events.aclose())


async def _next(source: AsyncIterator[T]) -> T:
    return await anext(source)
