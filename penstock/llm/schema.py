"""JSON Schema reduced to what Gemini documents for responseJsonSchema.

Keywords it does not know are refused or ignored, so they go: `const` becomes `enum`, exclusive bounds become
inclusive ones, a `$ref` with siblings (not allowed) is written out. What the subset cannot express goes into
the description, since the reply is validated against the real model all the same.
Source: the reference of GenerationConfig.responseJsonSchema.
"""

from collections.abc import Mapping
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
_TYPES: tuple[tuple[type, str], ...] = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"))


@cache
def schema_of(model: type[BaseModel]) -> Schema:
    """The model's schema by its wire names. Cached: treat it as read-only."""
    return reduced(model.model_json_schema(by_alias=True))


def reduced(schema: Mapping[str, Any]) -> Schema:
    """A JSON Schema (draft 2020-12, as pydantic writes it) in Gemini's subset."""
    definitions = schema.get("$defs", {})
    root = _reduce(schema, definitions, ())
    if definitions:
        root["$defs"] = {name: _reduce(one, definitions, (name,)) for name, one in definitions.items()}
    return root


def _reduce(schema: Mapping[str, Any] | bool, definitions: Mapping[str, Any], inside: tuple[str, ...]) -> Schema:
    if isinstance(schema, bool):
        return {}
    if "$ref" in schema:
        siblings = {key: value for key, value in schema.items() if key not in ("$ref", "$defs", "default", "title")}
        name = str(schema["$ref"]).rpartition("/")[2]
        if not siblings or name in inside or name not in definitions:
            return {"$ref": schema["$ref"]}
        return _reduce({**definitions[name], **siblings}, definitions, (*inside, name))
    schema = _without_all_of(schema, definitions)
    out: Schema = {key: schema[key] for key in _KEPT if key in schema}
    for key in (key for key in _BRANCHES if key in schema):
        out[key] = [_reduce(one, definitions, inside) for one in schema[key]]
    if "items" in schema and schema["items"] is not False:
        out["items"] = _reduce(schema["items"], definitions, inside)
    if "properties" in schema:
        out["properties"] = {name: _reduce(one, definitions, inside) for name, one in schema["properties"].items()}
        out["propertyOrdering"] = list(schema["properties"])
    if "additionalProperties" in schema:
        others = schema["additionalProperties"]
        out["additionalProperties"] = others if isinstance(others, bool) else _reduce(others, definitions, inside)
    _choices(schema, out)
    _bounds(schema, out)
    _describe(schema, out)
    return out


def _without_all_of(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    merged: Schema = {}
    for part in schema.get("allOf", ()):
        merged |= definitions.get(str(part.get("$ref")).rpartition("/")[2], part)
    return {**merged, **{key: value for key, value in schema.items() if key != "allOf"}} if merged else schema


def _choices(schema: Mapping[str, Any], out: Schema) -> None:
    """`enum` is for strings and numbers only; of anything else the type is left."""
    values = [schema["const"]] if "const" in schema else schema.get("enum", [])
    if not values:
        return
    kinds = [next((name for kind, name in _TYPES if isinstance(value, kind)), "null") for value in values]
    out.setdefault("type", kinds[0] if len(set(kinds)) == 1 else list(dict.fromkeys(kinds)))
    if not {"boolean", "null"} & set(kinds):
        out["enum"] = list(values)


def _bounds(schema: Mapping[str, Any], out: Schema) -> None:
    """An exclusive bound becomes the nearest inclusive one: exact for integers."""
    step = 1 if schema.get("type") == "integer" else 0
    if "exclusiveMinimum" in schema:
        out.setdefault("minimum", schema["exclusiveMinimum"] + step)
    if "exclusiveMaximum" in schema:
        out.setdefault("maximum", schema["exclusiveMaximum"] - step)


def _describe(schema: Mapping[str, Any], out: Schema) -> None:
    described = [text.format(schema[key]) for key, text in _DESCRIBED.items() if schema.get(key) not in (None, False)]
    if described:
        out["description"] = f"{out.get('description', '')} ({'; '.join(described)})".strip()
