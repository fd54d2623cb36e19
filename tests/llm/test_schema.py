"""The schema a model is given: only what Gemini documents, and never tighter than the real one."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import IntEnum
from itertools import pairwise
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from penstock.contracts.wire import Score, Wire, omitted
from penstock.llm.schema import reduced, reduced_of_others, schema_of

#: Google's reference of GenerationConfig.responseJsonSchema.
DOCUMENTED = (
    {"$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "required", "properties"}
    | {"items", "prefixItems", "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf"}
    | {"additionalProperties", "propertyOrdering"}
)


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Cat(Wire):
    kind: Literal["cat"]
    lives: Annotated[int, Field(gt=0, lt=10)]


class Dog(Wire):
    kind: Literal["dog"]
    good: Literal[True]


class Node(Wire):
    """Holds others like itself."""

    name: Annotated[str, Field(pattern="^[a-z]+$", min_length=1, max_length=8, examples=["ada"])]
    children: list[Node] = []


class Rich(Wire):
    overall_score: Score = Field(description="How good.")
    ratio: Annotated[float, Field(gt=0, multiple_of=0.5)]
    level: Level
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    tree: Node = Field(description="The root.")
    tags: set[str] = Field(default_factory=set)
    pair: tuple[int, str]
    others: dict[str, int] = {}
    note: str | None = omitted()
    maybe: Cat | None = None
    properties: str = "a field that is named like a keyword"


def keywords(schema: Any) -> set[str]:
    if not isinstance(schema, dict):
        return set()
    found = set(schema)
    for key in ("properties", "$defs"):
        for one in schema.get(key, {}).values():
            found |= keywords(one)
    for key in ("items", "additionalProperties"):
        found |= keywords(schema.get(key))
    for key in ("anyOf", "oneOf", "prefixItems"):
        for one in schema.get(key, []):
            found |= keywords(one)
    return found


def test_only_documented_keywords_are_left() -> None:
    assert keywords(schema_of(Rich)) <= DOCUMENTED


def test_fields_have_their_wire_names_in_the_models_order() -> None:
    order = schema_of(Rich)["propertyOrdering"]
    assert order[:3] == ["overallScore", "ratio", "level"]
    assert order == list(schema_of(Rich)["properties"])


def test_what_the_subset_cannot_say_is_said_in_words() -> None:
    name = schema_of(Rich)["$defs"]["Node"]["properties"]["name"]
    assert name == {
        "type": "string",
        "description": '(matches ^[a-z]+$; at least 1 characters; at most 8 characters; for example "ada")',
    }


def test_exclusive_bounds_become_inclusive_ones() -> None:
    lives = schema_of(Rich)["$defs"]["Cat"]["properties"]["lives"]
    assert (lives["minimum"], lives["maximum"]) == (1, 9)
    assert schema_of(Rich)["properties"]["ratio"]["minimum"] == 0


def test_a_constant_is_a_choice_of_one() -> None:
    assert schema_of(Cat)["properties"]["kind"] == {"type": "string", "enum": ["cat"]}
    assert schema_of(Dog)["properties"]["good"] == {"type": "boolean"}, "enum is for strings and numbers"


def test_choices_of_several_types_are_said_in_words() -> None:
    class Mixed(BaseModel):
        one: Literal["a", None]

    assert schema_of(Mixed)["properties"] == {"one": {"description": '(one of ["a", null])'}}


def test_a_reference_has_no_siblings() -> None:
    tree = schema_of(Rich)["properties"]["tree"]
    assert tree["description"] == "The root."
    assert "Holds others like itself" not in json.dumps(schema_of(Rich)), "that is for those who read the code"
    assert tree["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}


def test_a_schema_is_made_once() -> None:
    assert schema_of(Rich) is schema_of(Rich)


def test_parts_of_all_of_are_one_schema() -> None:
    given = {"allOf": [{"$ref": "#/$defs/A"}], "description": "x", "$defs": {"A": {"type": "string", "pattern": "a"}}}
    assert reduced(given)["type"] == "string"


def test_a_schema_of_another_make_has_no_reference_that_leads_nowhere() -> None:
    """As MCP servers write them: draft 7, and references to properties."""
    given = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "one": {"$ref": "#/definitions/Point", "description": "First."},
            "two": {"$ref": "#/definitions/Point"},
            "three": {"$ref": "#/properties/one", "description": "Third."},
        },
        "definitions": {"Point": {"type": "object", "properties": {"x": {"type": ["number", "null"]}}}},
    }
    made = reduced(given)
    point = {"type": "object", "properties": {"x": {"type": ["number", "null"]}}, "propertyOrdering": ["x"]}
    assert made["properties"] == {
        "one": {**point, "description": "First."},
        "two": {"$ref": "#/$defs/Point"},
        "three": {"description": "Third."},
    }
    assert made["$defs"] == {"Point": point}


@pytest.mark.parametrize("loose", [True, False])
def test_a_schema_that_is_a_truth_value_says_nothing(loose: bool) -> None:
    assert reduced({"type": "object", "properties": {"x": loose}})["properties"] == {"x": {}}


def valid() -> st.SearchStrategy[dict[str, Any]]:
    cat = st.fixed_dictionaries({"kind": st.just("cat"), "lives": st.integers(1, 9)})
    dog = st.fixed_dictionaries({"kind": st.just("dog"), "good": st.just(True)})
    name = st.text("abc", min_size=1, max_size=8)
    node = st.recursive(
        st.fixed_dictionaries({"name": name}),
        lambda inner: st.fixed_dictionaries({"name": name, "children": st.lists(inner, max_size=2)}),
        max_leaves=4,
    )
    return st.fixed_dictionaries(
        {
            "overallScore": st.floats(1, 10),
            "ratio": st.sampled_from([0.5, 1, 7.5]),
            "level": st.sampled_from([1, 2]),
            "pet": cat | dog,
            "tree": node,
            "pair": st.tuples(st.integers(), st.text()).map(list),
        },
        optional={"maybe": cat | st.none(), "note": st.text(), "tags": st.lists(st.text(), unique=True, max_size=3)},
    )


@settings(max_examples=60, deadline=None)
@given(valid())
def test_every_valid_object_satisfies_the_reduced_schema(value: dict[str, Any]) -> None:
    Rich.model_validate(value)
    jsonschema.validate(value, schema_of(Rich))


def test_every_steps_output_has_a_schema() -> None:
    class Empty(BaseModel):
        pass

    assert schema_of(Empty) == {"type": "object", "properties": {}, "propertyOrdering": []}


def _doubling(how: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """Forty definitions, each with the next one twice."""
    names = [f"d{number}" for number in range(40)]
    each = {
        one: {"type": "object", "properties": {key: how(following) for key in "ab"}}
        for one, following in pairwise(names)
    }
    return {"type": "object", "properties": {"a": how("d0")}, "$defs": each | {"d39": {"type": "string"}}}


@pytest.mark.parametrize(
    "schema",
    [
        _doubling(lambda name: {"$ref": f"#/$defs/{name}", "description": "written out"}),
        _doubling(lambda name: {"allOf": [{"$ref": f"#/$defs/{name}"}]}),
        {"type": "object", "$defs": {"d": {"properties": {"a": {"allOf": [{"$ref": "#/$defs/d"}]}}}}},
        {"type": "object", "properties": [1]},
        {"type": "object", "properties": {"a": 5}},
        {"type": "object", "anyOf": 7},
        {"type": "object", "properties": {"a": {"type": "string", "description": "long " * 10_000}}},
    ],
)
def test_what_a_server_says_that_is_no_schema_or_too_much_of_one_takes_anything(schema: dict[str, Any]) -> None:
    assert reduced_of_others(schema) == {"type": "object"}


def test_what_a_server_says_is_a_schema_like_others() -> None:
    schema = {"type": "object", "properties": {"a": {"const": "x"}}}
    assert reduced_of_others(schema) == reduced(schema)
