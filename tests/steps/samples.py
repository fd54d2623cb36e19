"""A minimal valid value for any model, made from its JSON Schema."""

from typing import Any

from pydantic import BaseModel

from penstock.contracts.step import Step

#: Inputs of steps to which a minimal text means nothing.
_GIVEN: dict[str, dict[str, Any]] = {
    **{f"review-{aspect}": {"numberedCode": "1| a"} for aspect in ("security", "performance", "maintainability")},
    "plan": {"featureDescription": "a", "maxTasks": 12},
    "calculate": {"expression": "2 + 3"},
    "validate-answer": {
        "originalProblem": "Solve 2x + 3 = 11",
        "proposedAnswer": "x = 4",
        "equations": ["2x + 3 = 11"],
    },
}


def sample_input(step: Step[Any, Any]) -> BaseModel:
    """A valid input of the step."""
    given = _GIVEN.get(step.name) or sample(step.input.model_json_schema(by_alias=True))
    model: BaseModel = step.input.model_validate(given)
    return model


def sample(schema: dict[str, Any], defs: dict[str, Any] | None = None) -> Any:
    """The smallest value the schema allows: required members only, arrays as short as can be."""
    defs = schema.get("$defs", {}) if defs is None else defs
    if "$ref" in schema:
        return sample(defs[schema["$ref"].rpartition("/")[2]], defs)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return sample(schema[choice][0], defs)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            members = schema.get("properties", {})
            return {name: sample(members[name], defs) for name in schema.get("required", ())}
        case "array":
            return [sample(schema["items"], defs) for _ in range(schema.get("minItems", 0))]
        case "string":
            return "a" * max(1, schema.get("minLength", 1))
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case _:
            return None
