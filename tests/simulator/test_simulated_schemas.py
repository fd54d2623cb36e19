"""Whatever schema a request brings, within the subset Gemini documents: the reply is valid against it."""

import json
import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from penstock.simulator.failure import Failure
from penstock.simulator.schema import Filler

NAMES = st.sampled_from(
    [
        "id",
        "dependencies",
        "type",
        "title",
        "score",
        "line",
        "quote",
        "addresses",
        "status",
        "taskId",
        "blockers",
        "summary",
        "result",
        "step",
    ]
)


def numbers(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    limits = st.integers(-1000, 1000) if kind == "integer" else st.integers(-1000, 1000).map(lambda n: n / 4)

    def schema(low: float, span: float, minimum: bool, maximum: bool) -> dict[str, Any]:
        out: dict[str, Any] = {"type": kind}
        out |= {"minimum": low} if minimum else {}
        return out | ({"maximum": low + abs(span)} if maximum else {})

    return st.builds(schema, limits, limits, st.booleans(), st.booleans())


VALUES = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5)
LEAVES = st.one_of(
    numbers("integer"),
    numbers("number"),
    st.just({"type": "string"}),
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.just({}),
    st.just({"$ref": "#/$defs/Shared"}),
    st.lists(VALUES, min_size=1, max_size=5, unique_by=lambda one: json.dumps(one)).map(lambda some: {"enum": some}),
    st.just({"type": ["string", "null"]}),
)


@st.composite
def objects(draw: st.DrawFn, member: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    properties = draw(st.dictionaries(NAMES, member, max_size=5))
    required = [name for name in properties if draw(st.booleans())]
    out: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
    others = draw(st.sampled_from([None, False, True]) | member)
    out |= {} if others is None else {"additionalProperties": others}
    return out | ({"propertyOrdering": sorted(properties)} if draw(st.booleans()) else {})


@st.composite
def arrays(draw: st.DrawFn, member: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    low = draw(st.none() | st.integers(0, 6))
    span = draw(st.none() | st.integers(0, 3))
    out: dict[str, Any] = {"type": "array", "items": draw(member)}
    out |= {} if low is None else {"minItems": low}
    return out | ({} if span is None else {"maxItems": (low or 0) + span})


def nested(member: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    unions = st.lists(member, min_size=1, max_size=3)
    return st.one_of(
        objects(member),
        arrays(member),
        unions.map(lambda some: {"anyOf": some}),
        st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True).map(
            lambda tags: {
                "oneOf": [
                    {"type": "object", "properties": {"tag": {"enum": [tag]}}, "required": ["tag"]} for tag in tags
                ]
            }
        ),
    )


SCHEMAS = st.recursive(LEAVES, nested, max_leaves=12)


def filled(schema: dict[str, Any], share: float = 0.58, lines: Sequence[tuple[int, str]] = ()) -> Any:
    return Filler(schema, lambda name, index: f"{name} {index}: plan the harbour festival", share, lines, ["t1"]).fill()


@settings(max_examples=150)
@given(
    schema=SCHEMAS,
    shared=objects(LEAVES.filter(lambda leaf: "$ref" not in leaf)),
    share=st.sampled_from([0.58, 0.88]),
    lines=st.sampled_from([(), ((3, "rain"),)]),
)
def test_every_reply_is_valid_against_its_schema(
    schema: dict[str, Any], shared: dict[str, Any], share: float, lines: tuple[tuple[int, str], ...]
) -> None:
    whole = {"$defs": {"Shared": shared}, **schema}
    Draft202012Validator(whole).validate(json.loads(json.dumps(filled(whole, share, lines))))


@settings(max_examples=30)
@given(count=st.integers(1, 12))
def test_sets_hold_different_items(count: int) -> None:
    schema = {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "minItems": count, "maxItems": count}
    assert len(set(filled(schema))) == count


def test_members_follow_the_property_ordering() -> None:
    members = {"b": {"type": "string"}, "a": {"type": "string"}}
    schema = {"type": "object", "properties": members, "propertyOrdering": ["a", "b"]}
    assert list(filled(schema)) == ["a", "b"]


@pytest.mark.parametrize("kind", [datetime, date, time, timedelta, UUID])
def test_a_text_has_the_format_that_is_asked_for(kind: type) -> None:
    adapter = TypeAdapter[object](kind)
    assert adapter.validate_python(filled(adapter.json_schema()))


@pytest.mark.parametrize(
    "pattern",
    [
        "^[A-Z]{3}$",
        r"^\d{4}-\d{2}(?:-\d{2})?$",
        "^(?P<kind>cat|dog)s?$",
        r"^[^a-zA-Z]+\.[\]x-]{2,}$",
        r"\AINV-\w{3,6}\Z",
        "^a;b (c)$".replace("(c)", r"\(c\)"),
    ],
)
def test_a_text_matches_the_pattern_that_its_description_names(pattern: str) -> None:
    for beside in ("", "; at least 1 characters; at most 99 characters"):
        text = filled({"type": "string", "description": f"A code (the first). (matches {pattern}{beside})"})
        assert re.search(pattern, text), text


def test_a_pattern_that_is_too_much_for_it_is_left_alone() -> None:
    for pattern in (r"^(a)\1$", "^(?=x)x$", "(", "^x{99999}$"):
        assert filled({"type": "string", "description": f"(matches {pattern})"}) == " None: plan the harbour festival"


def test_examples_of_a_description_are_followed() -> None:
    """Where the schema admits them, one after the other in a list."""
    code = {"type": "string", "description": '(matches ^[A-Z]{3}$; for example "EUR", "USD")'}
    assert filled({"type": "array", "items": code, "minItems": 3}) == ["EUR", "USD", "EUR"]
    described = "In cents (for example 12850)"
    assert filled({"type": "integer", "description": described}) == 12850
    assert filled({"type": "integer", "maximum": 10, "description": described}) <= 10
    assert filled({"type": "string", "description": described}).endswith("festival")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"type": "array", "items": {}, "minItems": 10**9},
        {"$ref": "#/$defs/Missing"},
        {"$ref": "#/$defs/Loop", "$defs": {"Loop": {"$ref": "#/$defs/Loop"}}},
        {"$ref": "#/$defs/N", "$defs": {"N": {"properties": {"n": {"$ref": "#/$defs/N"}}, "required": ["n"]}}},
        {"type": "object", "properties": {"a": {"anyOf": [{"type": "number", "minimum": 2, "maximum": 1}]}}},
    ],
)
def test_a_schema_that_admits_nothing_is_refused(schema: dict[str, Any]) -> None:
    """Impossible limits, references that lead nowhere, recursion without an end."""
    with pytest.raises(Failure):
        filled(schema)
