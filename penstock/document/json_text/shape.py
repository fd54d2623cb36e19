"""The order of a result's members, known before any of them: read off its pydantic model."""

from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema


class Shape:
    """What one place of the result will be: an object with these members in this order, an array, or anything."""

    def __init__(self, schema: dict[str, Any], definitions: dict[str, Any]) -> None:
        self._definitions = definitions
        self._schema, self.nullable = _resolve(schema, definitions)
        found = self._schema.get("type")
        self.kind: Literal["object", "array", "any"] = found if found in ("object", "array") else "any"
        #: The members in document order; empty if they are not known beforehand.
        self.names: tuple[str, ...] = tuple(self._schema.get("properties", ()))

    @classmethod
    def of(cls, model: type[BaseModel]) -> "Shape":
        schema = model.model_json_schema(mode="serialization", schema_generator=_AsWritten)
        return cls(schema, schema.get("$defs", {}))

    def at(self, token: str) -> "Shape":
        """The shape of a member or an element; anything, if there is nothing to be known of it."""
        if self.kind == "array":
            schema = self._schema.get("items", {})
        else:
            schema = self._schema.get("properties", {}).get(token, self._schema.get("additionalProperties", {}))
        return Shape(schema if isinstance(schema, dict) else {}, self._definitions)

    def is_optional(self, name: str) -> bool:
        """Whether the member may be missing from the JSON (rather than be null)."""
        return name not in self._schema.get("required", ())


class _AsWritten(GenerateJsonSchema):
    """A member is required if it is always written; one with a default is, unless `exclude_if` says otherwise."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        if field["type"] == "typed-dict-field":
            return super().field_is_required(field, total)
        return field.get("serialization_exclude_if") is None and not field.get("serialization_exclude")


def _resolve(schema: dict[str, Any], definitions: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The schema behind references and `X | None`, and whether null is allowed; `{}` for a real union."""
    if "$ref" in schema:
        return _resolve(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if not options:
        return schema, False
    rest = [option for option in options if option.get("type") != "null"]
    found, nullable = _resolve(rest[0], definitions) if len(rest) == 1 else ({}, False)
    return found, nullable or len(rest) < len(options)
