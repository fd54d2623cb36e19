"""JSON Schema in the subset that Gemini documents, and values that are valid against it.

Understood: type, enum, properties, required, propertyOrdering, additionalProperties, items, prefixItems, minItems,
maxItems, minimum, maximum, format, anyOf, oneOf, $ref. Anything else is ignored.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from penstock.simulator.failure import InvalidRequest

Schema = dict[str, Any]

_FORMATS = {
    "date-time": "2026-01-15T09:30:00Z",
    "date": "2026-01-15",
    "time": "09:30:00Z",
    "duration": "P2D",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "018f6f4e-7d2a-7b3c-9a51-3f2f6f0c1d2e",
}
#: Deeper than this only what is required is written, and no list has more items than it must.
_LEAN_DEPTH = 7
_MAX_DEPTH = 40
_MAX_VALUES = 20_000


def resolved(schema: Any, root: Schema) -> Schema:
    """The schema with its own `$ref` followed; its members are left as they are. What is no object admits all."""
    found: Schema = schema if isinstance(schema, dict) else {}
    for _ in range(20):
        if "$ref" not in found:
            return found
        name = found["$ref"].rpartition("/")[2]
        target = root if name == "#" else root.get("$defs", {}).get(name)
        if target is None:
            break
        found = {**target, **{key: value for key, value in found.items() if key != "$ref"}}
    raise InvalidRequest(f"The response schema refers to {found['$ref']}, which leads nowhere.")


def properties_of(schema: Schema) -> Schema:
    """Properties by `propertyOrdering` if there is one, else as the schema lists them."""
    properties = schema.get("properties", {})
    first = [name for name in schema.get("propertyOrdering", ()) if name in properties]
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
        if "enum" in schema:
            return schema["enum"][(index or 0) % len(schema["enum"])]
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
            case _ if name == "id" and index is not None:
                return f"t{index + 1}"
            case _:
                return _FORMATS.get(schema.get("format", "")) or self._say(name, index)

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

    def _object(self, schema: Schema, depth: int, index: int | None) -> Schema:
        lean = depth > _LEAN_DEPTH
        members = properties_of(schema)
        if not members and isinstance(others := schema.get("additionalProperties"), dict) and not lean:
            members = {"first": others, "second": others}
        wanted = schema.get("required", ()) if lean else members
        return {name: self._value(members[name], name, depth + 1, index) for name in members if name in wanted}

    def _array(self, schema: Schema, name: str, depth: int, index: int | None) -> list[Any]:
        low, high = schema.get("minItems", 0), min(schema.get("maxItems", _MAX_VALUES), _MAX_VALUES)
        if low > high:
            raise InvalidRequest(f"minItems {low} is more than {high}.")
        first, rest = schema.get("prefixItems", []), resolved(schema.get("items"), self._root)
        if name == "dependencies" and index is not None and not low and rest == {"type": "string"}:
            return [f"t{(index + 1) // 2}"][:high] if index else []
        tasks = {"id", "dependencies"} <= rest.get("properties", {}).keys()
        usual = 0 if name == "blockers" or depth > _LEAN_DEPTH or not rest else 5 if tasks else 2
        count = max(low, min(high, len(first) or usual))
        schemas = [*first, *[rest] * count][:count]
        return [self._value(item, name, depth + 1, place) for place, item in enumerate(schemas)]

    def _number(self, schema: Schema, whole: bool, index: int | None) -> float:
        low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
        away = 1 + (index or 0)
        if math.isfinite(low) and math.isfinite(high):
            wish = low + self._share * (high - low)
        else:
            wish = low + away if math.isfinite(low) else high - away if math.isfinite(high) else away
        if whole:
            wish = math.floor(wish) if math.floor(wish) >= low else math.ceil(low)
        elif low <= round(wish, 1) <= high:
            wish = round(wish, 1)
        if not low <= wish <= high:
            raise InvalidRequest(f"No number is between {low} and {high}.")
        return float(wish) if isinstance(wish, float) else int(wish)


def _type(schema: Schema) -> str:
    """The first type but null that a schema names, or the one that its other keywords imply."""
    named = schema.get("type", [])
    kinds = named if isinstance(named, list) else [named]
    implied = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return next((one for one in kinds if one != "null"), "null" if kinds else implied)
