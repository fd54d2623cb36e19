"""JSON Schema reduced to what Gemini documents for responseJsonSchema.

Keywords it does not know are refused or ignored, so they go: `const` becomes `enum`, exclusive bounds become
inclusive ones, a `$ref` with siblings (not allowed) is written out. What the subset cannot express goes into
the description, since the reply is validated against the real model all the same.
Source: the reference of GenerationConfig.responseJsonSchema.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

_KEPT = ("type", "format", "description", "minItems", "maxItems", "minimum", "maximum", "required")
_BRANCHES = ("anyOf", "oneOf", "prefixItems")
_DESCRIBED = {
    "pattern": "matches {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "multipleOf": "a multiple of {}",
    "exclusiveMinimum": "greater than {}",
    "exclusiveMaximum": "less than {}",
    "uniqueItems": "no item twice",
}

#: Parts of a schema that is written out, and characters of one that others wrote.
_MOST, _LONGEST = 2_000, 40_000
_MOST_EXAMPLES = 3


@cache
def schema_of(model: type[BaseModel]) -> Schema:
    """The model's schema by its wire names, with what its fields say of themselves; docstrings of classes are for those
    who read the code. Cached: treat it as read-only.
    """
    schema = model.model_json_schema(by_alias=True)
    for one in (schema, *schema.get("$defs", {}).values()):
        one.pop("description", None)
    return reduced(schema)


def reduced(schema: Mapping[str, Any]) -> Schema:
    """A JSON Schema (draft 2020-12 as pydantic writes it, or draft 7) in Gemini's subset.

    A `$ref` to elsewhere than its definitions becomes what takes anything. Raises ValueError for what is too large.
    """
    definitions = {**schema.get("definitions", {}), **schema.get("$defs", {})}
    parts = iter(range(_MOST))
    root = _reduce(schema, definitions, (), parts)
    if definitions:
        root["$defs"] = {name: _reduce(one, definitions, (name,), parts) for name, one in definitions.items()}
    return root


def reduced_of_others(schema: Mapping[str, Any]) -> Schema:
    """Likewise, of what a server in foreign hands says: an object of any members where that is no schema, or too much
    of one, however little text that is (definitions that name definitions grow without end when they are written out).
    """
    try:
        out = reduced(schema)
        if len(json.dumps(out)) <= _LONGEST:
            return out
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        pass
    return {"type": "object"}


def _reduce(
    schema: Mapping[str, Any] | bool, definitions: Mapping[str, Any], inside: tuple[str, ...], parts: Iterator[int]
) -> Schema:
    if next(parts, None) is None:
        raise ValueError(f"the schema, written out, has more than {_MOST:,} parts")
    if isinstance(schema, bool):
        return {}
    if "$ref" in schema:
        siblings = {key: value for key, value in schema.items() if key not in ("$ref", "$defs", "default", "title")}
        name = str(schema["$ref"]).rpartition("/")[2]
        if name not in definitions:
            return _reduce(siblings, definitions, inside, parts)
        if not siblings or name in inside:
            return {"$ref": f"#/$defs/{name}"}
        return _reduce({**definitions[name], **siblings}, definitions, (*inside, name), parts)
    for part in schema.get("allOf", ()):
        schema = {**definitions.get(str(part.get("$ref")).rpartition("/")[2], part), **schema}
    out: Schema = {key: schema[key] for key in _KEPT if key in schema}
    for key in (key for key in _BRANCHES if key in schema):
        out[key] = [_reduce(one, definitions, inside, parts) for one in schema[key]]
    if "properties" in schema:
        out["properties"] = {
            name: _reduce(one, definitions, inside, parts) for name, one in schema["properties"].items()
        }
        out["propertyOrdering"] = list(schema["properties"])
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            out[key] = _reduce(schema[key], definitions, inside, parts)
    if isinstance(schema.get("additionalProperties"), bool):
        out["additionalProperties"] = schema["additionalProperties"]
    # an exclusive bound becomes the nearest inclusive one: exact for integers
    step = 1 if schema.get("type") == "integer" else 0
    if "exclusiveMinimum" in schema:
        out.setdefault("minimum", schema["exclusiveMinimum"] + step)
    if "exclusiveMaximum" in schema:
        out.setdefault("maximum", schema["exclusiveMaximum"] - step)
    described = [text.format(schema[key]) for key, text in _DESCRIBED.items() if schema.get(key) not in (None, False)]
    choices = [schema["const"]] if "const" in schema else schema.get("enum", [])
    if choices and not any(choice is None or isinstance(choice, bool) for choice in choices):
        out["enum"] = choices
    elif choices and "type" not in schema:  # enum is for strings and numbers only
        described.append(f"one of {json.dumps(choices)}")
    given = schema.get("examples")
    examples = [one for one in given if isinstance(one, str | int | float)] if isinstance(given, list) else []
    if examples:
        described.append(f"for example {json.dumps(examples[:_MOST_EXAMPLES], ensure_ascii=False)[1:-1]}")
    if described:
        out["description"] = f"{out.get('description', '')} ({'; '.join(described)})".strip()
    return out
