"""A job's events, in order, each once, through lost connections; and what can be made of them."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, NamedTuple

from penstock.client.errors import JobCancelledError, JobFailedError
from penstock.contracts.events import (
    Delta,
    Event,
    JobAccepted,
    JobCancelled,
    JobCompleted,
    JobFailed,
    PartEnd,
    PartReset,
    PartRetract,
    PartValue,
)
from penstock.contracts.job import Snapshot
from penstock.document import Document, spread

#: The events that change what is known of the result.
_GROWTH = (Delta, PartValue, PartEnd, PartReset, PartRetract, JobCompleted, Snapshot)


class Placed(NamedTuple):
    """An event and its place in the job's event stream."""

    event: Event | Snapshot
    cursor: int


class Following(AsyncIterator[Event | Snapshot]):
    """Iterate for the events; it ends after the job's end.

    Where events are no longer kept that were to come, a Snapshot comes instead: forget what came before it. The
    events that are kept follow it.

    Leave the loop early and it is closed when it is collected; `async with` or `aclose()` do it at once.
    """

    def __init__(self, job: str, source: AsyncGenerator[Placed, None]) -> None:
        #: The job's id; "" until a stream's job is submitted, at the first event the latest.
        self.job = job
        #: Of the last event: give it to `follow(job, after=…)`, of any client, to go on behind it.
        self.cursor = 0
        self._source = source

    def __aiter__(self) -> "Following":
        return self

    async def __anext__(self) -> Event | Snapshot:
        event, self.cursor = await anext(self._source)
        if isinstance(event, JobAccepted):
            self.job = event.job
        return event

    async def __aenter__(self) -> "Following":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._source.aclose()


async def growing(events: Following) -> AsyncGenerator[Any, None]:
    """The result as far as it is known, after each event that changes it; the last one is the whole result.

    Each is a value of its own, to keep or to change, of plain JSON types and with the names of the wire. It
    grows, except where a step is retried (`part.reset`, `part.retract`): then what that step wrote is gone.

    Raises JobFailedError or JobCancelledError where the job ends so.
    """
    document = Document()
    async with events:
        async for event in events:
            document = grown(document, event)
            if isinstance(event, _GROWTH):
                yield copied(document.value)
            unless_completed(events.job, event)


def grown(document: Document, event: Event | Snapshot) -> Document:
    """The document with the event applied to it; a new one where the event is a snapshot."""
    if not isinstance(event, Snapshot):
        document.apply(event)
        return document
    document = Document()
    for p, value in spread("", event.result).items():
        document.put(p, value)
    return document


def copied(value: Any) -> Any:
    """A copy of a JSON value; its strings are shared."""
    if isinstance(value, dict):
        return {name: copied(member) for name, member in value.items()}
    return [copied(element) for element in value] if isinstance(value, list) else value


def unless_completed(job: str, event: Event | Snapshot) -> None:
    """Raise what a failed or cancelled job raises."""
    if isinstance(event, JobFailed):
        raise JobFailedError(job, event.problem)
    if isinstance(event, JobCancelled):
        raise JobCancelledError(job)
