"""JSON Schema in the subset that Gemini documents, and values that are valid against it.

Understood: type, enum, properties, required, propertyOrdering, additionalProperties, items, prefixItems, minItems,
maxItems, minimum, maximum, format, anyOf, oneOf, $ref. Anything else is ignored, but what a description says at its end
in brackets, as a model would heed it: `matches <pattern>`, and `for example` with values as JSON.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from penstock.simulator.failure import Failure
from penstock.simulator.matching import matching

Schema = dict[str, Any]

_FORMATS = {
    "date-time": "2026-01-15T09:30:00Z",
    "date": "2026-01-15",
    "time": "09:30:00Z",
    "duration": "P2D",
    "uuid": "018f6f4e-7d2a-7b3c-9a51-3f2f6f0c1d2e",
}
#: Members that hold words out of the material which a prompt quotes: what has one is a finding.
_QUOTES = {"quote", "fragment"}
_MATCHES = re.compile(r"\(matches (.+?)(?:; at (?:least|most) \d+ characters)*(?:; for example .+)?\)$", re.DOTALL)
_EXAMPLES = re.compile(r"[(;] ?for example (.+)\)$", re.DOTALL)
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
    raise Failure(400, f"The response schema refers to {found['$ref']}, which leads nowhere.")


def properties_of(schema: Schema) -> Schema:
    """Properties by `propertyOrdering` if there is one, else as the schema lists them."""
    properties = schema.get("properties", {})
    first = [name for name in schema.get("propertyOrdering", ()) if name in properties]
    return {name: properties[name] for name in dict.fromkeys([*first, *properties])}


class Filler:
    """Fills one schema. `say(name, index)` gives the words of a text, `index` its place in a list.

    Of an enumeration the first value is taken, in a list one after the other; a number between two limits is at
    `share` of the way. A list of tasks with dependencies is a graph that can be carried out.

    A `quote` or `fragment` is one of `lines`; each has its number, which a `line` beside it tells. Without any lines
    nothing is found: lists of what has a quote are empty. A list `addresses` has all `ids` in the first of a list of
    objects and none in the others.
    """

    def __init__(
        self,
        root: Schema,
        say: Callable[[str, int | None], str],
        share: float = 0.58,
        lines: Sequence[tuple[int, str]] = (),
        ids: Sequence[str] = (),
    ) -> None:
        self._root, self._say, self._share, self._lines, self._ids = root, say, share, lines, ids
        self._left = _MAX_VALUES

    def fill(self, *, lean: bool = False) -> Any:
        """A value; `lean`: only what is required. Raises Failure if none is found that the schema admits."""
        try:
            return self._value(self._root, "", _LEAN_DEPTH + 1 if lean else 0, None)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Failure(400, f"The response schema cannot be used: {error!r}") from None

    def _value(self, schema: Any, name: str, depth: int, index: int | None) -> Any:
        self._left -= 1
        if depth > _MAX_DEPTH or self._left < 0:
            raise Failure(400, "The response schema is too deep or too large.")
        schema, lean = resolved(schema, self._root), depth > _LEAN_DEPTH
        if "enum" in schema:
            return schema["enum"][(index or 0) % len(schema["enum"])]
        if branches := schema.get("anyOf") or schema.get("oneOf"):
            # the first, but null for a choice that need not be made and deep down, or else what does not recur
            null = lean or any("enum" in branch for branch in branches)
            one = min(branches, key=lambda branch: ((branch.get("type") == "null") != null, lean and "$ref" in branch))
            rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
            return self._value({**rest, **resolved(one, self._root)}, name, depth + 1, index)
        if (example := self._example(schema, index)) is not None:
            return example
        match _type(schema):
            case "object":
                members = properties_of(schema)
                if not members and isinstance(others := schema.get("additionalProperties"), dict) and not lean:
                    members = {"first": others, "second": others}
                wanted = schema.get("required", ()) if lean else members
                return {one: self._value(members[one], one, depth + 1, index) for one in members if one in wanted}
            case "array":
                items = enumerate(self._items(schema, name, lean, index))
                return [self._value(item, name, depth + 1, place) for place, item in items]
            case "string" if name in _QUOTES and self._lines and "format" not in schema:
                return self._quoted(index)[1]
            case "integer" if name == "line" and self._lines and "maximum" not in schema:
                return max(self._quoted(index)[0], schema.get("minimum", 1))
            case "integer" | "number" as kind:
                return self._number(schema, kind == "integer", 1 + (index or 0))
            case "boolean":
                return True
            case "null":
                return None
            case _ if name == "id" and index is not None:
                return f"t{index + 1}"
            case _:
                described = _MATCHES.search(schema.get("description", ""))
                matched = matching(described[1]) if described else None
                return matched or _FORMATS.get(schema.get("format", "")) or self._say(name, index)

    def _example(self, schema: Schema, index: int | None) -> Any:
        """One that the description gives, and the schema admits; None where there is none."""
        given = _EXAMPLES.search(schema.get("description", ""))
        try:
            examples = json.loads(f"[{given[1]}]") if given else []
        except ValueError:
            return None
        low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
        kinds: dict[str, tuple[type, ...]] = {"string": (str,), "integer": (int,), "number": (int, float)}
        of_kind = [one for one in examples if type(one) in kinds.get(_type(schema), ())]
        fitting = [one for one in of_kind if isinstance(one, str) or low <= one <= high]
        return fitting[(index or 0) % len(fitting)] if fitting else None

    def _quoted(self, index: int | None) -> tuple[int, str]:
        return self._lines[(index or 0) % len(self._lines)]

    def _items(self, schema: Schema, name: str, lean: bool, index: int | None) -> list[Any]:
        """The schema of each item."""
        low, high = schema.get("minItems", 0), min(schema.get("maxItems", _MAX_VALUES), _MAX_VALUES)
        if low > high:
            raise Failure(400, f"minItems {low} is more than {high}.")
        first, rest = schema.get("prefixItems", []), resolved(schema.get("items"), self._root)
        if name == "dependencies" and index is not None and not low and rest == {"type": "string"}:
            return [{"enum": [f"t{(index + 1) // 2}"]}][:high] if index else []
        if name == "addresses" and index is not None and not low and rest == {"type": "string"}:
            return [] if index else [{"enum": [id]} for id in self._ids][:high]
        members = rest.get("properties", {}).keys()
        none = name == "blockers" or lean or not rest or (_QUOTES & members and not self._lines)
        usual = 0 if none else 5 if {"id", "dependencies"} <= members else 2
        count = max(low, min(high, len(first) or usual))
        return [*first, *[rest] * count][:count]

    def _number(self, schema: Schema, whole: bool, away: int) -> Any:
        """Between two limits by `share`, else `away` from the one or from 0; rounded if that is possible."""
        low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
        bounded = math.isfinite(high - low)
        wish = low + self._share * (high - low) if bounded else max(low + away, min(high - away, away))
        for number in (math.floor(wish), math.ceil(wish)) if whole else (round(wish, 1), wish):
            if low <= number <= high:
                return number
        raise Failure(400, f"No number is between {low} and {high}.")


def _type(schema: Schema) -> str:
    """The first type but null that a schema names, or the one that its other keywords imply."""
    named = schema.get("type", [])
    kinds = named if isinstance(named, list) else [named]
    implied = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return next((one for one in kinds if one != "null"), "null" if kinds else implied)
