"""Whether Gemini takes the schema of a step's output.

What is documented (GenerationConfig.responseJsonSchema): a schema may recur in members that are not required, and "very
large or deeply nested" ones are refused, without a number. The numbers here are of those who have met them: 952 of
`maxItems` in all were taken and 960 refused (googleapis/python-genai#2170), 14,600 characters were taken and 49,300
refused (receptron/MulmoChat#123); references count as written out. That of levels is a guess, and a schema within all
of them may be refused all the same.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError

from penstock.checks.fault import Fault, place_of
from penstock.llm.schema import Schema, schema_of
from penstock.pattern import Pattern

_ITEMS, _CHARACTERS, _DEPTH = 950, 40_000, 12


def faults(pattern: Pattern[Any, Any]) -> Iterator[Fault]:
    for step in pattern.steps:
        output: Any = step.output
        if step.asks and isinstance(output, type) and issubclass(output, BaseModel):
            where = place_of(output)
            try:
                for sentence in refusals(schema_of(output)):
                    yield Fault(
                        pattern=pattern.name, step=step.name, where=where, sentence=f"{output.__name__} {sentence}"
                    )
            except (PydanticInvalidForJsonSchema, PydanticUserError) as error:
                sentence = f"{output.__name__} cannot be described as JSON Schema: {error.message}"
                yield Fault(pattern=pattern.name, step=step.name, where=where, sentence=sentence)


def refusals(schema: Schema) -> Iterator[str]:
    """Why Gemini would refuse a schema in its subset."""
    definitions: Mapping[str, Schema] = schema.get("$defs", {})
    for name in definitions:
        if (way := _back_to(name, definitions[name], definitions, frozenset())) is not None:
            yield (
                f"contains {name} within itself by members that are required ({' / '.join(way)}): Gemini takes that "
                "in optional ones only, so give one of them a default"
            )
    whole = _written_out(schema, definitions, ())
    if (depth := _depth(whole)) > _DEPTH:
        yield f"is nested {depth} levels deep; Gemini refuses deep schemas, of more than {_DEPTH} most likely"
    if (items := _items(whole)) > _ITEMS:
        yield (
            f"allows {items} items in its lists together (max_length); Gemini refuses more than about {_ITEMS}: lower "
            "the bounds, or leave one to Step(check=…)"
        )
    if (size := len(json.dumps(whole))) > _CHARACTERS:
        yield f"is {size:,} characters of schema; Gemini refuses more than about {_CHARACTERS:,}: split the step"


def _back_to(name: str, schema: Any, definitions: Mapping[str, Schema], seen: frozenset[str]) -> tuple[str, ...] | None:
    """The members by which a definition has itself within, none of which may be left out."""
    if not isinstance(schema, Mapping):
        return None
    target = str(schema.get("$ref", "")).rpartition("/")[2]
    if target == name:
        return ()
    if target in definitions and target not in seen:
        return _back_to(name, definitions[target], definitions, seen | {target})
    inner = [("", one) for key in ("anyOf", "oneOf", "prefixItems") for one in schema.get(key, ())]
    inner += [("", schema[key]) for key in ("items", "additionalProperties") if key in schema]
    required = schema.get("required", ())
    inner += [(member, one) for member, one in schema.get("properties", {}).items() if member in required]
    for member, one in inner:
        if (way := _back_to(name, one, definitions, seen)) is not None:
            return (*filter(None, (member,)), *way)
    return None


def _written_out(schema: Any, definitions: Mapping[str, Schema], inside: tuple[str, ...]) -> Any:
    """With what is referred to in the place of the reference, once."""
    if isinstance(schema, list):
        return [_written_out(one, definitions, inside) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name in definitions and name not in inside:
        return _written_out(definitions[name], definitions, (*inside, name))
    return {key: _written_out(one, definitions, inside) for key, one in schema.items() if key != "$defs"}


def _depth(schema: Any) -> int:
    """Levels of objects and lists."""
    if isinstance(schema, list):
        return max(map(_depth, schema), default=0)
    if not isinstance(schema, Mapping):
        return 0
    own = schema.get("type") in ("object", "array")
    return own + max(map(_depth, schema.values()), default=0)


def _items(schema: Any) -> int:
    """All `maxItems` together."""
    if isinstance(schema, list):
        return sum(map(_items, schema))
    if not isinstance(schema, Mapping):
        return 0
    bound = schema.get("maxItems", 0)
    return (bound if isinstance(bound, int) else 0) + sum(map(_items, schema.values()))
