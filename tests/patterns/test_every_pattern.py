"""Every pattern in the table, from its own example to a valid result."""

from typing import Any

import pytest

from penstock.contracts.events import JobCompleted
from penstock.document import Document, LinearJSON, Shape
from penstock.pattern import Pattern
from penstock.patterns import PATTERNS
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
async def test_the_example_ends_with_a_valid_result_in_every_reading(
    pipeline: Pipeline, pattern: Pattern[Any, Any]
) -> None:
    """The result validates, and the growing document and the JSON text arrive at the same."""
    job = await pipeline.submit(pattern.name, pattern.example.model_dump(mode="json", by_alias=True))
    events = await pipeline.events(job)
    assert isinstance(events[-1], JobCompleted), events[-1]
    result = events[-1].result
    pattern.result.model_validate(result)

    document, linear = Document(), LinearJSON(Shape.of(pattern.result))
    text = ""
    for event in events:
        text += linear.feed(event)
    for event in events[:-1]:
        document.apply(event)
    assert document.value == result, "all of it was streamed before the end was told"
    assert pattern.result.model_validate_json(text) == pattern.result.model_validate(result)
