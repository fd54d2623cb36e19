"""Inputs that a step may get, made from the JSON Schema of its model: one with all there is, and others that each
differ from it in one place, so that they take the branches of a template.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError

_MOST = 300
#: How often a model may be inside itself; below that a list is empty, and what is optional is left out.
_DEPTH = 2
_FORMATS = {
    "date-time": "2026-01-15T09:30:00Z",
    "date": "2026-01-15",
    "time": "09:30:00Z",
    "duration": "P2D",
    "uuid": "018f6f4e-7d2a-4b3c-9a51-3f2f6f0c1d2e",
    "uri": "https://example.com/",
    "email": "somebody@example.com",
    "binary": "bytes",
    "path": "a/path",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}
Schema = Mapping[str, Any]


class NoSample(Exception):
    """The message is for the author."""


def samples(model: type[BaseModel]) -> list[BaseModel]:
    """At least one. Raises NoSample where none of the values that were tried is valid."""
    schema = model.model_json_schema(by_alias=True)
    valid: list[BaseModel] = []
    wrong: ValidationError | None = None
    for value in islice(_values(schema, schema.get("$defs", {}), ()), _MOST):
        try:
            valid.append(model.model_validate(value))
        except ValidationError as error:
            wrong = wrong or error
    if not valid:
        first = wrong.errors()[0] if wrong else {"loc": (), "msg": "none"}
        at = "/".join(map(str, first["loc"])) or model.__name__
        raise NoSample(
            f"no sample of {model.__name__} could be made to try its prompt with ({at}: {first['msg']}): "
            "give fields that need a certain form one by Field(examples=[…])"
        )
    return valid


def _values(schema: Schema | bool, definitions: Schema, inside: tuple[str, ...]) -> Iterator[Any]:
    """Values by a schema, the fullest first."""
    if isinstance(schema, bool):
        yield "anything"
    elif schema.get("examples"):
        yield from schema["examples"]
    elif "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        yield from _values({**definitions[name], **_without(schema, "$ref")}, definitions, (*inside, name))
    elif "const" in schema or "enum" in schema:
        yield from schema.get("enum", [schema.get("const")])
    elif branches := schema.get("anyOf") or schema.get("oneOf"):
        ordered = sorted(branches, key=lambda one: (one.get("type") == "null") != _deep(inside))
        for branch in ordered:
            yield from _values(branch, definitions, inside)
    elif parts := schema.get("allOf"):
        yield from _values({**_without(schema, "allOf"), **parts[0]}, definitions, inside)
    else:
        yield from _plain(schema, definitions, inside)


def _plain(schema: Schema, definitions: Schema, inside: tuple[str, ...]) -> Iterator[Any]:
    match schema.get("type"):
        case "object":
            yield from _objects(schema, definitions, inside)
        case "array":
            yield from _arrays(schema, definitions, inside)
        case "boolean":
            yield from (True, False)
        case "null":
            yield None
        case "integer" | "number":
            low, high = (schema.get(one, schema.get(f"exclusive{one.title()}")) for one in ("minimum", "maximum"))
            step = 1 if schema["type"] == "integer" else 0.001
            low = low + step if "exclusiveMinimum" in schema else low
            high = high - step if "exclusiveMaximum" in schema else high
            known = [one for one in (low, high) if one is not None]
            yield from known or (schema.get("multipleOf", 1), 0)
        case "string" if "format" in schema:
            yield _FORMATS.get(schema["format"], "text")
        case _:
            least, most = schema.get("minLength", 0), schema.get("maxLength", 1_000)
            yield "sample text"[:most].ljust(least, "x")
            if most >= len(_LINES):
                yield _LINES.ljust(least, "x")
            if not least:
                yield ""


_LINES = 'two lines\nof "text"'


def _objects(schema: Schema, definitions: Schema, inside: tuple[str, ...]) -> Iterator[Any]:
    members, required = schema.get("properties", {}), schema.get("required", ())
    if _deep(inside):
        members = {name: one for name, one in members.items() if name in required}
    full = {name: next(_values(one, definitions, inside)) for name, one in members.items()}
    if not members and schema.get("additionalProperties"):
        full = {"key": next(_values(schema["additionalProperties"], definitions, inside))}
        yield from (full, {})
        return
    yield full
    for name in members:
        if name not in required:
            yield _without(full, name)
        for value in islice(_values(members[name], definitions, inside), 1, None):
            yield full | {name: value}


def _arrays(schema: Schema, definitions: Schema, inside: tuple[str, ...]) -> Iterator[Any]:
    first = [next(_values(one, definitions, inside)) for one in schema.get("prefixItems", ())]
    least, most = schema.get("minItems", len(first)), schema.get("maxItems", 1_000)
    if _deep(inside) and least == len(first) == 0:
        yield []
        return
    items = schema.get("items") or True
    rest = next(_values(items, definitions, inside))
    for count in dict.fromkeys((max(least, min(2, most)), max(least, min(1, most)), least)):
        yield [*first, *[rest] * (count - len(first))]
    if most > len(first):
        for value in islice(_values(items, definitions, inside), 1, None):
            yield [*first, *[value] * max(least - len(first), 1)]


def _deep(inside: tuple[str, ...]) -> bool:
    return bool(inside) and inside.count(inside[-1]) > _DEPTH


def _without(schema: Schema, name: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != name}
