"""The OpenAPI document."""

import asyncio
from typing import Any

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV32SpecValidator
from penstock_gateway.service import build

from penstock.patterns import PATTERNS
from penstock.settings import Settings


def document() -> dict[str, Any]:
    return build(Settings(), asyncio.Event()).openapi()


def test_it_is_valid() -> None:
    """By the official schema of OpenAPI 3.2, references included."""
    spec = document()
    assert spec["openapi"] == "3.2.0"
    OpenAPIV32SpecValidator(spec).validate()
    for reference in references(spec):
        target: Any = spec
        for token in reference.removeprefix("#/").split("/"):
            target = target[token]


def test_every_pattern_has_its_request_result_and_example() -> None:
    """The example fits the request's schema; streams are described item by item."""
    spec = document()
    for pattern in PATTERNS:
        operation = spec["paths"][f"/{pattern.name}"]["post"]
        content = operation["requestBody"]["content"]["application/json"]
        example = content["examples"]["request"]["value"]
        Draft202012Validator(content["schema"] | {"components": spec["components"]}).validate(example)
        formats = operation["responses"]["200"]["content"]
        assert formats["application/json"]["schema"]["$ref"].endswith("Result")
        assert "itemSchema" in formats["text/event-stream"]
        assert {"202", "400", "413", "415", "422", "503"} <= operation["responses"].keys()


def references(node: Any) -> list[str]:
    """All of them."""
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [reference for value in node.values() for reference in references(value)]
    return [reference for value in node for reference in references(value)] if isinstance(node, list) else []
