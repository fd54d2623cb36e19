"""Writes a value that is valid against a JSON Schema and reads as if it were about the prompt.

`pattern` is tried with a few candidates only, `format` is honoured for dates and the like; both may be missed.
"""

from __future__ import annotations

import json
import math
from random import Random
from typing import Any

from simulator import plan
from simulator.choice import choose
from simulator.facts import fact
from simulator.failure import InvalidRequest
from simulator.number import Bounds, plausible
from simulator.phrases import formatted, phrase
from simulator.schema import Schema, as_schema, combined, ordered_properties, resolved, types_of
from simulator.topic import Topic
from simulator.validity import accepts

_LEAN_DEPTH = 7
_MAX_DEPTH = 40
_MAX_VALUES = 20_000
_EMPTY_LISTS = ("blockers", "errors", "warnings")
_LEFT_OUT = ("error",)


class Unwritable(InvalidRequest):
    """No value could be found for a schema: it contradicts itself, recurses without end or is too large."""


class Writer:
    """One reply's worth of values; the same prompt and schema give the same ones."""

    def __init__(self, topic: Topic, seed: int, root: Schema) -> None:
        self._topic = topic
        self._seed = seed
        self._root = root
        self._random = Random(seed)
        self._written = 0
        self._within = ""

    def write(self) -> Any:
        """The whole value. Raises Unwritable (answered as 400) if the schema admits none that can be found."""
        try:
            return self._value(self._root, "", 0, None)
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise Unwritable(f"The response schema cannot be used: {error}") from None

    def _value(self, schema: Schema, name: str, depth: int, index: int | None) -> Any:
        self._written += 1
        if depth > _MAX_DEPTH or self._written > _MAX_VALUES:
            raise Unwritable("The response schema is too deep or too large.")
        schema = resolved(schema, self._root)
        if schema.get("not") == {}:
            raise Unwritable("The response schema admits no value.")
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._enum(schema, name, index)
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self._branch(schema, keyword, name, depth, index)
        kinds = types_of(schema)
        kind = next((one for one in kinds if one != "null"), "null")
        if depth > _LEAN_DEPTH and "null" in kinds:
            return None
        match kind:
            case "object":
                return self._object(schema, name, depth, index)
            case "array":
                return self._array(schema, name, depth)
            case "integer" | "number":
                return self._number(schema, kind, name, index)
            case "boolean":
                return not name.lower().startswith(("has_error", "failed", "blocked", "iserror"))
            case "null":
                return None
            case _:
                return self._string(schema, name, index)

    def _enum(self, schema: Schema, name: str, index: int | None) -> Any:
        values = [one for one in schema["enum"] if accepts(schema, one, self._root)]
        spoken = [one for one in values if one is not None]
        if not values:
            raise Unwritable(f"No value of the enumeration {name!r} fits its schema.")
        return choose(name, spoken, self._topic, index) if spoken else None

    def _branch(self, schema: Schema, keyword: str, name: str, depth: int, index: int | None) -> Any:
        rest = {key: value for key, value in schema.items() if key != keyword}
        branches = [as_schema(one) for one in schema[keyword]]
        lean = depth > _LEAN_DEPTH
        branches.sort(key=lambda one: ("null" in types_of(one)) != lean if not lean or "$ref" not in one else 2)
        for _ in range(3):
            for branch in branches:
                try:
                    value = self._value(combined(rest, resolved(branch, self._root)), name, depth + 1, index)
                except Unwritable:
                    if self._written > _MAX_VALUES:
                        raise
                    continue
                if accepts(schema, value, self._root):
                    return value
        raise Unwritable(f"No alternative of {name!r} admits a value.")

    def _object(self, schema: Schema, name: str, depth: int, index: int | None) -> dict[str, Any]:
        around, self._within = self._within, name
        try:
            return self._members(schema, depth, index)
        finally:
            self._within = around

    def _members(self, schema: Schema, depth: int, index: int | None) -> dict[str, Any]:
        properties = ordered_properties(schema)
        required = list(schema.get("required") or ())
        most = schema.get("maxProperties", math.inf)
        spare = most - len(required)
        out: dict[str, Any] = {}
        for name, member in properties.items():
            if name not in required:
                if depth > _LEAN_DEPTH or spare < 1 or name.lower() in _LEFT_OUT:
                    continue
                spare -= 1
            try:
                out[name] = self._value(member, name, depth + 1, index)
            except Unwritable:
                if name in required or self._written > _MAX_VALUES:
                    raise
        others = as_schema(schema.get("additionalProperties", True))
        for name in required:
            if name not in out:
                out[name] = self._value(others, name, depth + 1, index)
        wanted = schema.get("minProperties", 0)
        if "additionalProperties" in schema and not properties and depth <= _LEAN_DEPTH and others.get("not") != {}:
            wanted = max(wanted, min(2, most))
        self._fill(out, wanted, others, depth, schema)
        return out

    def _fill(self, out: dict[str, Any], wanted: float, others: Schema, depth: int, schema: Schema) -> None:
        """Adds free members until there are as many as wanted."""
        free = [*self._topic.words, *(f"member{number}" for number in range(1, int(wanted) + 1))]
        for name in free:
            if len(out) >= wanted:
                return
            if name in out or name in (schema.get("properties") or {}):
                continue
            try:
                out[name] = self._value(others, name, depth + 1, None)
            except Unwritable:
                if len(out) < schema.get("minProperties", 0):
                    raise
                return

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        low = schema.get("minItems", 0)
        high = schema.get("maxItems", math.inf)
        first = [as_schema(one) for one in schema.get("prefixItems") or ()]
        rest = as_schema(schema.get("items", True))
        link = plan.links_of(rest, self._root) if not first and "items" in schema else None
        count = plan.size(self._seed) if link else 2 + self._random.randrange(3)
        if name.lower() in _EMPTY_LISTS or depth > _LEAN_DEPTH or ("items" not in schema and not first):
            count = 0
        count = int(max(low, min(count, high))) if not first else max(low, len(first))
        out: list[Any] = []
        for place in range(count):
            item = first[place] if place < len(first) else rest
            try:
                self._append(out, item, name, depth, place, bool(schema.get("uniqueItems")))
            except Unwritable:
                if len(out) < max(low, 1 if first else 0) or self._written > _MAX_VALUES:
                    raise
                break
        if link:
            self._link(out, rest, link)
        return out

    def _append(self, out: list[Any], item: Schema, name: str, depth: int, place: int, unique: bool) -> None:
        seen = {json.dumps(one, sort_keys=True) for one in out} if unique else set()
        for nudge in range(60 if unique else 1):
            value = self._value(item, name, depth + 1, place + nudge)
            if not seen or json.dumps(value, sort_keys=True) not in seen:
                out.append(value)
                return
        raise Unwritable(f"Not enough different items for {name!r}.")

    def _link(self, tasks: list[Any], item: Schema, link: str) -> None:
        """Makes generated tasks a graph, where the schema lets it."""
        waits = plan.dependencies(self._seed, len(tasks))
        kinds = (
            resolved(as_schema(resolved(item, self._root)["properties"].get("type", {})), self._root).get("enum") or []
        )
        for place, task in enumerate(tasks):
            changes: dict[str, Any] = {"id": f"t{place + 1}", link: waits[place]}
            if "title" in task:
                changes["title"] = plan.title(place, self._topic.terms)
            kind = plan.KINDS[place % len(plan.KINDS)]
            if "type" in task:
                changes["type"] = kind if kind in kinds or not kinds else kinds[place % len(kinds)]
            for name, value in changes.items():
                if name in task and accepts(item, {**task, name: value}, self._root):
                    task[name] = value

    def _number(self, schema: Schema, kind: str, name: str, index: int | None) -> int | float:
        bounds = Bounds.of(schema, whole=kind == "integer")
        known = fact(name, self._topic, index)
        wish: float | None = known if isinstance(known, int | float) else None
        if wish is None:
            wish = plausible(name, bounds, self._topic, self._random, index)
        value = bounds.nearest(wish)
        if value is None:
            raise Unwritable(f"No number fits the limits of {name!r}.")
        return value

    def _string(self, schema: Schema, name: str, index: int | None) -> str:
        known = fact(name, self._topic, index)
        wish = str(known) if known is not None else formatted(schema.get("format", ""))
        if wish is None:
            wish = phrase(name, self._within, self._topic, index or 0, 0 if index is None else self._seed % 7)
        low, high = schema.get("minLength", 0), schema.get("maxLength", math.inf)
        if low > high or low > 1_000_000:
            raise Unwritable(f"No text fits the limits of {name!r}.")
        fitted = _fitted(wish, low, high, self._topic.words, index)
        if "pattern" not in schema:
            return fitted
        candidates = (
            fitted,
            f"t{(index or 0) + 1}",
            *self._topic.words,
            str((index or 0) + 1),
            "A",
            "1.0",
            "2026-01-15",
        )
        return next((one for one in candidates if accepts(schema, one, self._root)), fitted)


def _fitted(text: str, low: int, high: float, words: tuple[str, ...], index: int | None) -> str:
    place = index or 0
    while len(text) < low:
        text += f" {words[place % len(words)]}"
        place += 1
    if len(text) <= high:
        return text
    if high < 8:
        # Too short for a sentence: letters that differ from item to item, so that sets can be filled.
        digits = str(place)
        return (digits + text.replace(" ", ""))[: int(high)].ljust(low, ".")
    cut = text[: int(high)]
    shorter = cut.rsplit(" ", 1)[0]
    return shorter if low <= len(shorter) else cut
