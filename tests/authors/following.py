"""Whoever follows a job of the authors' patterns arrives at its result."""

from typing import Any

from penstock import Pattern
from penstock.contracts.events import Event, JobCompleted
from penstock.document import Document, LinearJSON, Shape


def shown(events: list[Event]) -> Any:
    """What all events but the last made together. The job must have succeeded, with that."""
    *growing, end = events
    assert isinstance(end, JobCompleted), end
    document = Document()
    for event in growing:
        document.apply(event)
    assert document.value == end.result
    return document.value


def text_of(pattern: Pattern[Any, Any], events: list[Event]) -> str:
    """The same as one JSON text, whose beginning is never taken back."""
    return LinearJSON(Shape.of(pattern.result)).feed(*events)
