"""Who reads OpenAPI, and the model that fills a schema, is told what each field means."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter

from penstock.contracts.turns import Turn
from penstock.pattern import Pattern
from penstock.patterns import PATTERNS


def undescribed(schema: dict[str, Any]) -> Iterator[str]:
    for name, one in {"": schema, **schema.get("$defs", {})}.items():
        yield from (
            f"{name}.{field}" for field, about in one.get("properties", {}).items() if not about.get("description")
        )


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_every_field_of_requests_results_and_outputs_is_described(pattern: Pattern[Any, Any]) -> None:
    """Results have computed what steps put out, so that those are looked at, too; turns are no JSON of a model's."""
    outputs = [step.output for step in pattern.steps if step.asks and step.output is not Turn]
    for one in (pattern.request, pattern.result, *outputs):
        assert [*undescribed(TypeAdapter(one).json_schema(mode="serialization"))] == []
