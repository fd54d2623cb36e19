"""The subset of JSON Schema that pydantic and Gemini's own Schema message use, in one spelling."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

Schema = dict[str, Any]

_CAMEL = {
    "any_of": "anyOf",
    "one_of": "oneOf",
    "all_of": "allOf",
    "min_items": "minItems",
    "max_items": "maxItems",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_properties": "minProperties",
    "max_properties": "maxProperties",
    "property_ordering": "propertyOrdering",
    "additional_properties": "additionalProperties",
    "prefix_items": "prefixItems",
    "unique_items": "uniqueItems",
    "multiple_of": "multipleOf",
    "exclusive_minimum": "exclusiveMinimum",
    "exclusive_maximum": "exclusiveMaximum",
    "defs": "$defs",
    "ref": "$ref",
    "definitions": "$defs",
}
_COUNTS = {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"}
_BRANCHES = {"anyOf", "oneOf", "allOf", "prefixItems"}
_MAPS = {"properties", "$defs"}
_TIGHTEST = {"minimum": max, "exclusiveMinimum": max, "maximum": min, "exclusiveMaximum": min}
_TIGHTEST_COUNT = {name: max if name.startswith("min") else min for name in _COUNTS}


def normalised(schema: Any) -> Schema:
    """The schema with lower-case types, camelCase keywords and `nullable` written as a type.

    The same object is returned for an equal schema: treat it as read-only.
    """
    return _normalised(json.dumps(schema, separators=(",", ":")))


@lru_cache(maxsize=512)
def _normalised(text: str) -> Schema:
    return as_schema(_rewrite(json.loads(text)))


def as_schema(schema: Any) -> Schema:
    """`true` and `false` are schemas too: anything, and nothing."""
    if isinstance(schema, dict):
        return schema
    return {"not": {}} if schema is False else {}


def _rewrite(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    out: Schema = {}
    for written, value in schema.items():
        key = _CAMEL.get(str(written), str(written))
        if key in _MAPS and isinstance(value, dict):
            out[key] = {name: _rewrite(member) for name, member in value.items()}
        elif key in _BRANCHES and isinstance(value, list):
            out[key] = [_rewrite(member) for member in value]
        elif key in ("items", "additionalProperties"):
            out[key] = _rewrite(value)
        elif key == "type":
            out[key] = [str(one).lower() for one in value] if isinstance(value, list) else str(value).lower()
        elif key == "$ref" and isinstance(value, str):
            out[key] = value.replace("#/definitions/", "#/$defs/")
        elif key in _COUNTS and isinstance(value, str):
            out[key] = int(value)
        else:
            out[key] = value
    if out.get("type") == "type_unspecified":
        del out["type"]
    return _with_null(out) if out.pop("nullable", False) else out


def _with_null(schema: Schema) -> Schema:
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    outer: Schema = {key: schema[key] for key in ("title", "description") if key in schema}
    return {**outer, "anyOf": [schema, {"type": "null"}]}


def resolved(schema: Schema, root: Schema) -> Schema:
    """The schema with its own `$ref` followed and `allOf` folded in; its members are left as they are.

    Raises KeyError for a reference that leads nowhere.
    """
    seen: set[str] = set()
    while "$ref" in schema:
        reference = str(schema["$ref"])
        if reference in seen:
            raise KeyError(f"{reference} refers to itself")
        seen.add(reference)
        rest = {key: value for key, value in schema.items() if key not in ("$ref", "$defs")}
        schema = combined(_target(reference, root), rest)
    while "allOf" in schema:
        rest = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            rest = combined(rest, resolved(as_schema(part), root))
        schema = rest
    return schema


def _target(reference: str, root: Schema) -> Schema:
    found: Any = root
    for step in reference.lstrip("#").strip("/").split("/") if reference.strip("#/") else []:
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return as_schema(found)


def combined(first: Schema, second: Schema) -> Schema:
    """One schema that asks for what both ask; where that has no simple form the second wins."""
    out = dict(first)
    for key, value in second.items():
        if key not in out:
            out[key] = value
        elif key in _TIGHTEST:
            out[key] = _TIGHTEST[key](out[key], value)
        elif key in _TIGHTEST_COUNT:
            out[key] = _TIGHTEST_COUNT[key](out[key], value)
        elif key == "required":
            out[key] = list(dict.fromkeys([*out[key], *value]))
        elif key == "properties":
            both = {
                name: combined(as_schema(out[key][name]), as_schema(value[name])) for name in out[key] if name in value
            }
            out[key] = {**out[key], **value, **both}
        elif key == "enum":
            out[key] = [one for one in out[key] if one in value]
        elif key == "type":
            out[key] = [one for one in types_of(out) if one in _listed(value)] or value
        else:
            out[key] = value
    return out


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def types_of(schema: Schema) -> list[str]:
    """The types a schema names, or the one its other keywords imply."""
    if "type" in schema:
        return _listed(schema["type"])
    implied = [("properties", "object"), ("required", "object"), ("additionalProperties", "object")]
    implied += [("items", "array"), ("prefixItems", "array"), ("minItems", "array"), ("multipleOf", "number")]
    implied += [("minimum", "number"), ("maximum", "number"), ("exclusiveMinimum", "number")]
    return next(([kind] for keyword, kind in implied if keyword in schema), ["string"])


def property_names(schema: Schema | None) -> list[str]:
    """Names of the members a schema's objects have at the top, in the order they are to be written."""
    if schema is None:
        return []
    try:
        return list(ordered_properties(resolved(schema, schema)))
    except (KeyError, TypeError):
        return []


def ordered_properties(schema: Schema) -> dict[str, Schema]:
    """Properties by `propertyOrdering` if there is one, else as the schema lists them."""
    properties = {name: as_schema(member) for name, member in (schema.get("properties") or {}).items()}
    first: Iterator[str] = (name for name in schema.get("propertyOrdering") or () if name in properties)
    return {name: properties[name] for name in [*dict.fromkeys(first), *properties]}
