"""A job's events, in order, each once, through lost connections; and the partial results they make up."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager
from copy import deepcopy
from typing import Any

from penstock.client.errors import JobCancelledError, JobFailedError
from penstock.contracts import events
from penstock.contracts.job import Snapshot
from penstock.document import Document, spread

_PARTS = events.Delta | events.PartValue | events.PartEnd | events.PartReset | events.PartRetract
#: An event and its place in the job's event stream.
EventAt = tuple[events.Event | Snapshot, int]


class JobEvents(AsyncIterator[events.Event | Snapshot], AbstractAsyncContextManager["JobEvents"]):
    """Iterate for the events; it ends after the job's end.

    Where events that were to come are no longer kept, a Snapshot comes instead: forget what came before it. The
    events that are kept follow it.

    Leave the loop early and it is closed when it is collected; `async with` or `aclose()` do it at once.
    """

    def __init__(self, job: str, source: AsyncGenerator[EventAt, None]) -> None:
        #: The job's id; "" until a stream's job is submitted, at the first event the latest.
        self.job = job
        #: Of the last event: give it to `follow(job, after=…)`, of any client, to continue behind it.
        self.cursor = 0
        self._source = source

    async def __anext__(self) -> events.Event | Snapshot:
        event, self.cursor = await anext(self._source)
        return event

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._source.aclose()


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
