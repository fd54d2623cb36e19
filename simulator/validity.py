"""Does a value satisfy a schema? Asked of every value that is guessed from a field's name."""

from __future__ import annotations

import json
import re
from typing import Any

from simulator.schema import Schema, as_schema, resolved


def accepts(schema: Schema, value: Any, root: Schema) -> bool:
    """True if the value is valid under the keywords of `schema.py`; `format` is ignored.

    Raises KeyError for a reference that leads nowhere.
    """
    schema = resolved(schema, root)
    if schema.get("not") == {}:
        return False
    if "const" in schema and not _same(schema["const"], value):
        return False
    if "enum" in schema and not any(_same(one, value) for one in schema["enum"]):
        return False
    if "type" in schema and not _has_type(schema["type"], value):
        return False
    if "anyOf" in schema and not any(accepts(as_schema(one), value, root) for one in schema["anyOf"]):
        return False
    if "oneOf" in schema and sum(accepts(as_schema(one), value, root) for one in schema["oneOf"]) != 1:
        return False
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int | float):
        return _number(schema, value)
    if isinstance(value, str):
        return _string(schema, value)
    if isinstance(value, list):
        return _array(schema, value, root)
    return not isinstance(value, dict) or _object(schema, value, root)


def _same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True) or (
        not isinstance(one, bool) and not isinstance(other, bool) and bool(one == other)
    )


def _has_type(named: Any, value: Any) -> bool:
    return any(_is(kind, value) for kind in (named if isinstance(named, list) else [named]))


def _is(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, int):
        return kind in ("integer", "number")
    if isinstance(value, float):
        return kind == "number" or (kind == "integer" and value.is_integer())
    names = {str: "string", list: "array", dict: "object", type(None): "null"}
    return names.get(type(value)) == kind


def _number(schema: Schema, value: float) -> bool:
    if "minimum" in schema and value < schema["minimum"]:
        return False
    if "maximum" in schema and value > schema["maximum"]:
        return False
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        return False
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        return False
    return "multipleOf" not in schema or divides(schema["multipleOf"], value)


def divides(step: float, value: float) -> bool:
    """Value is a whole multiple of step, in the arithmetic that JSON Schema validators use."""
    if isinstance(step, int) and isinstance(value, int):
        return value % step == 0
    quotient = value / step
    return quotient.is_integer()


def _string(schema: Schema, value: str) -> bool:
    if len(value) < schema.get("minLength", 0) or len(value) > schema.get("maxLength", len(value)):
        return False
    try:
        return "pattern" not in schema or re.search(schema["pattern"], value) is not None
    except re.error:
        return True


def _array(schema: Schema, value: list[Any], root: Schema) -> bool:
    if len(value) < schema.get("minItems", 0) or len(value) > schema.get("maxItems", len(value)):
        return False
    if schema.get("uniqueItems") and len({json.dumps(one, sort_keys=True) for one in value}) < len(value):
        return False
    first = schema.get("prefixItems") or []
    if not all(accepts(as_schema(one), item, root) for one, item in zip(first, value, strict=False)):
        return False
    rest = as_schema(schema.get("items", True))
    return all(accepts(rest, item, root) for item in value[len(first) :])


def _object(schema: Schema, value: dict[str, Any], root: Schema) -> bool:
    if any(name not in value for name in schema.get("required") or ()):
        return False
    if len(value) < schema.get("minProperties", 0) or len(value) > schema.get("maxProperties", len(value)):
        return False
    properties = schema.get("properties") or {}
    others = as_schema(schema.get("additionalProperties", True))
    return all(accepts(as_schema(properties.get(name, others)), member, root) for name, member in value.items())
