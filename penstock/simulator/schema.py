"""JSON Schema as pydantic and Gemini's own Schema message write it, and values that are valid against it.

Understood: type, enum, const, properties, required, propertyOrdering, additionalProperties, items, prefixItems,
minItems, maxItems, minLength, maxLength, minimum, maximum and their exclusive forms, multipleOf, format, anyOf,
oneOf, $ref, nullable. `pattern` is tried with a few candidates. Anything else is ignored.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from penstock.simulator.failure import InvalidRequest

Schema = dict[str, Any]

_RENAMED = {"defs": "$defs", "definitions": "$defs", "ref": "$ref"}
_FORMATS = {
    "date-time": "2026-01-15T09:30:00Z",
    "date": "2026-01-15",
    "time": "09:30:00Z",
    "duration": "P2D",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "018f6f4e-7d2a-7b3c-9a51-3f2f6f0c1d2e",
}
_CANDIDATES = ("a", "A", "1", "1.0", "t1", "2026-01-15")
#: Deeper than this only what is required is written, and no list has more items than it must.
_LEAN_DEPTH = 7
_MAX_DEPTH = 40
_MAX_VALUES = 20_000


def normalised(schema: Any) -> Schema:
    """The schema with lower-case types, camelCase keywords and `nullable` written as an alternative."""
    out: Schema = {}
    for written, value in schema.items() if isinstance(schema, dict) else ():
        key = _RENAMED.get(written) or re.sub("_([a-z])", lambda letter: letter[1].upper(), written)
        if key in ("properties", "$defs"):
            out[key] = {name: normalised(member) for name, member in value.items()}
        elif key in ("anyOf", "oneOf", "prefixItems"):
            out[key] = [normalised(member) for member in value]
        elif key in ("items", "additionalProperties"):
            out[key] = normalised(value) if isinstance(value, dict) else value
        elif key == "type":
            out[key] = [one.lower() for one in value] if isinstance(value, list) else value.lower()
        else:
            out[key] = value
    return {"anyOf": [out, {"type": "null"}]} if out.pop("nullable", False) else out


def resolved(schema: Schema | bool | None, root: Schema) -> Schema:
    """The schema with its own `$ref` followed; its members are left as they are."""
    schema = dict(schema) if isinstance(schema, dict) else {}
    for _ in range(20):
        if "$ref" not in schema:
            return schema
        name = schema["$ref"].rpartition("/")[2]
        target = root if name == "#" else root.get("$defs", {}).get(name)
        if target is None:
            break
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    raise InvalidRequest(f"The response schema refers to {schema['$ref']}, which leads nowhere.")


def properties_of(schema: Schema) -> dict[str, Schema]:
    """Properties by `propertyOrdering` if there is one, else as the schema lists them."""
    properties = schema.get("properties") or {}
    first = [name for name in schema.get("propertyOrdering") or () if name in properties]
    return {name: properties[name] for name in dict.fromkeys([*first, *properties])}


class Filler:
    """Fills one schema. `say(name, index)` gives the words of a text, `index` its place in a list.

    Of an enumeration the first value is taken, in a list one after the other; a number between two limits is at
    `share` of the way. A list of tasks with dependencies is a graph that can be carried out.
    """

    def __init__(self, root: Schema, say: Callable[[str, int | None], str], share: float = 0.58) -> None:
        self._root, self._say, self._share = root, say, share
        self._left = _MAX_VALUES

    def fill(self) -> Any:
        """A value. Raises InvalidRequest if the schema admits none that can be found."""
        try:
            return self._value(self._root, "", 0, None)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidRequest(f"The response schema cannot be used: {error!r}") from None

    def _value(self, schema: Any, name: str, depth: int, index: int | None) -> Any:
        self._left -= 1
        if depth > _MAX_DEPTH or self._left < 0:
            raise InvalidRequest("The response schema is too deep or too large.")
        schema = resolved(schema, self._root)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            values = [one for one in schema["enum"] if one is not None] or [None]
            return values[(index or 0) % len(values)]
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self._branch(schema, keyword, name, depth, index)
        match _type(schema):
            case "object":
                return self._object(schema, depth, index)
            case "array":
                return self._array(schema, name, depth, index)
            case "integer" | "number" as kind:
                return self._number(schema, kind == "integer", index)
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return self._string(schema, name, index)

    def _branch(self, schema: Schema, keyword: str, name: str, depth: int, index: int | None) -> Any:
        """The first alternative that can be filled; deep down null is preferred, and what does not recur."""
        lean = depth > _LEAN_DEPTH
        rest = {key: value for key, value in schema.items() if key != keyword}
        ranked = sorted(schema[keyword], key=lambda one: ((one.get("type") == "null") != lean, lean and "$ref" in one))
        for branch in ranked:
            try:
                return self._value({**rest, **resolved(branch, self._root)}, name, depth + 1, index)
            except InvalidRequest:
                if self._left < 0:
                    raise
        raise InvalidRequest(f"No alternative of {name!r} admits a value.")

    def _object(self, schema: Schema, depth: int, index: int | None) -> dict[str, Any]:
        lean = depth > _LEAN_DEPTH
        members = properties_of(schema)
        if not members and isinstance(others := schema.get("additionalProperties"), dict) and not lean:
            members = {"first": others, "second": others}
        wanted = set(schema.get("required") or ()) if lean else members.keys()
        return {name: self._value(members[name], name, depth + 1, index) for name in members if name in wanted}

    def _array(self, schema: Schema, name: str, depth: int, index: int | None) -> list[Any]:
        low, high = _limits(schema, "minItems", "maxItems")
        first, rest = schema.get("prefixItems", []), resolved(schema.get("items"), self._root)
        if name == "dependencies" and index is not None and not low and rest == {"type": "string"}:
            return [f"t{(index + 1) // 2}"][:high] if index else []
        tasks = {"id", "dependencies"} <= (rest.get("properties") or {}).keys()
        usual = 0 if name == "blockers" or depth > _LEAN_DEPTH or not rest else 5 if tasks else 2
        count = max(low, min(high, len(first) or usual))
        schemas = [*first, *[rest] * count][:count]
        return [self._value(item, name, depth + 1, place) for place, item in enumerate(schemas)]

    def _number(self, schema: Schema, whole: bool, index: int | None) -> int | float:
        step = schema.get("multipleOf") or (1 if whole else 0)
        low = schema.get("minimum", schema.get("exclusiveMinimum", -math.inf) + (1 if whole else 0))
        high = schema.get("maximum", schema.get("exclusiveMaximum", math.inf) - (1 if whole else 0))
        bounded = math.isfinite(low), math.isfinite(high)
        away = (step or 1) * (1 + (index or 0))
        wish = low + self._share * (high - low) if all(bounded) else low + away if bounded[0] else high - away
        wish = wish if any(bounded) else away
        if step:
            wish = wish // step * step
            wish = wish if wish >= low else wish + step
        elif low < round(wish, 1) < high:
            wish = round(wish, 1)
        if not low <= wish <= high:
            raise InvalidRequest(f"No number is between {low} and {high}.")
        return int(wish) if whole else wish

    def _string(self, schema: Schema, name: str, index: int | None) -> str:
        if name == "id" and index is not None:
            text = f"t{index + 1}"
        else:
            text = _FORMATS.get(schema.get("format", "")) or self._say(name, index)
        low, high = _limits(schema, "minLength", "maxLength")
        if "pattern" in schema:
            text = next((one for one in (text, *_CANDIDATES) if re.search(schema["pattern"], one)), text)
        return text.ljust(low, ".")[:high]


def _limits(schema: Schema, least: str, most: str) -> tuple[int, int]:
    low, high = schema.get(least, 0), min(schema.get(most, _MAX_VALUES), _MAX_VALUES)
    if low > high:
        raise InvalidRequest(f"{least} {low} is more than {high}.")
    return low, high


def _type(schema: Schema) -> str:
    """The first type but null that a schema names, or the one that its other keywords imply."""
    named = schema.get("type") or []
    kinds = named if isinstance(named, list) else [named]
    implied = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return next((one for one in kinds if one != "null"), "null" if kinds else implied)
