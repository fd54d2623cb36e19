"""A job's events, in order, each once, through lost connections; and the partial results they make up."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing
from copy import deepcopy
from typing import Any

from penstock.cancelling import stop
from penstock.client.errors import JobCancelledError, JobFailedError, Unreachable
from penstock.contracts import events
from penstock.contracts.job import Snapshot
from penstock.document import Document, spread

_PARTS = events.Delta | events.PartValue | events.PartEnd | events.PartReset | events.PartRetract
#: Events that are read before they are asked for.
_AHEAD = 16
#: An event and its place in the job's event stream.
EventAt = tuple[events.Event | Snapshot, int]


class JobEvents(AsyncIterator[events.Event | Snapshot], AbstractAsyncContextManager["JobEvents"]):
    """Iterate for the events; it ends after the job's end. Where the client is closed before it, Unreachable is raised.

    Where events that were to come are no longer kept, a Snapshot comes instead: forget what came before it. The
    events that are kept follow it.

    Waiting for the next event may be given up (`asyncio.timeout`, say) and begun again: none is lost. Leave the loop
    early and it is closed when it is collected, or with its client; `async with` or `aclose()` do it at once.
    """

    def __init__(self, job: str, source: AsyncGenerator[EventAt, None], reading: set[asyncio.Task[None]]) -> None:
        #: The job's id; "" until a stream's job is submitted, at the first event the latest.
        self.job = job
        #: Of the last event: give it to `follow(job, after=…)`, of any client, to continue behind it.
        self.cursor = 0
        self._ahead, self._reading = _Ahead(source), reading
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def __anext__(self) -> events.Event | Snapshot:
        if self._closed:
            raise StopAsyncIteration
        if self._task is None:
            self._task = self._ahead.start()
            self._reading.add(self._task)
            self._task.add_done_callback(self._reading.discard)
        if (one := await self._ahead.next(self._task)) is None:
            if self._closed:
                raise StopAsyncIteration
            raise Unreachable(f"following job {self.job}: the client was closed")
        event, self.cursor = one
        return event

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        self._closed = True
        if self._task is not None:
            await stop(self._task)

    def __del__(self) -> None:
        if self._task is not None and not (loop := self._task.get_loop()).is_closed():
            loop.call_soon_threadsafe(self._task.cancel)


class _Ahead:
    """A source, read a little ahead of its reader, by one task from its beginning to its end.

    An asynchronous generator that is left to the event loop is closed by another task, and so is each one within it,
    at the same time: what they have open does not bear that.
    """

    def __init__(self, source: AsyncGenerator[EventAt, None]) -> None:
        self._source = source
        self._events = deque[EventAt]()
        self._arrived, self._taken = asyncio.Event(), asyncio.Event()

    def start(self) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._read())
        task.add_done_callback(self._ended)
        return task

    async def _read(self) -> None:
        async with aclosing(self._source):
            async for one in self._source:
                self._events.append(one)
                self._arrived.set()
                while len(self._events) >= _AHEAD:
                    self._taken.clear()
                    await self._taken.wait()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._arrived.set()
        if not task.cancelled():
            task.exception()  # seen, also where nobody asks for another event

    async def next(self, task: asyncio.Task[None]) -> EventAt | None:
        """The next one that `task`, which reads, has read; None if it was cancelled. Raises what it has ended with."""
        while not self._events:
            if task.cancelled():
                return None
            if task.done():
                task.result()
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        self._taken.set()
        return self._events.popleft()


async def partial_results(following: JobEvents) -> AsyncGenerator[Any, None]:
    """The result as far as it is known, after each event that changes it; the last one is the complete result.

    Each is a value of its own, to keep or to change, of plain JSON types and with the names of the wire. It
    grows, except where a step is retried (`part.reset`, `part.retract`): then what that step wrote is gone.

    Raises JobFailedError or JobCancelledError where the job ends so.
    """
    document = Document()
    async with following:
        async for event in following:
            document = with_event(document, event)
            if isinstance(event, _PARTS | events.JobCompleted | Snapshot):
                yield deepcopy(document.value)
            raise_unless_completed(following.job, event)


def with_event(document: Document, event: events.Event | Snapshot) -> Document:
    """The document with the event applied to it; a new one where the event is a snapshot."""
    if not isinstance(event, Snapshot):
        document.apply(event)
        return document
    document = Document()
    for p, value in spread("", event.result).items():
        document.put(p, value)
    return document


def raise_unless_completed(job: str, event: events.Event | Snapshot) -> None:
    """Raise what a failed or cancelled job raises."""
    if isinstance(event, events.JobFailed):
        raise JobFailedError(job, event.problem)
    if isinstance(event, events.JobCancelled):
        raise JobCancelledError(job)
