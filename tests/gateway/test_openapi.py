"""The OpenAPI document, as 3.2 and as 3.1."""

import asyncio
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator, OpenAPIV32SpecValidator
from penstock_gateway.service import build

from penstock.contracts.error_codes import REFUSALS
from penstock.patterns import PATTERNS
from penstock.settings import Settings

VALIDATORS = {"3.2": OpenAPIV32SpecValidator, "3.1": OpenAPIV31SpecValidator}


async def served(query: str = "") -> dict[str, Any]:
    """By a gateway that has no NATS yet: the document needs none."""
    transport = httpx.ASGITransport(build(Settings(), asyncio.Event()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        spec: dict[str, Any] = (await client.get(f"/openapi.json{query}")).raise_for_status().json()
    return spec


@pytest.mark.parametrize(("query", "version"), [("", "3.2"), ("?version=3.2", "3.2"), ("?version=3.1", "3.1")])
async def test_it_is_valid(query: str, version: str) -> None:
    """By the official schema of its version, references included."""
    spec = await served(query)
    assert spec["openapi"] == f"{version}.0"
    VALIDATORS[version](spec).validate()
    for reference in references(spec):
        target: Any = spec
        for token in reference.removeprefix("#/").split("/"):
            target = target[token]


async def test_every_pattern_has_its_request_result_and_example() -> None:
    """The example fits the request's schema; streams are described item by item."""
    spec = await served()
    for pattern in PATTERNS:
        operation = spec["paths"][f"/{pattern.name}"]["post"]
        content = operation["requestBody"]["content"]["application/json"]
        example = content["examples"]["request"]["value"]
        Draft202012Validator(content["schema"] | {"components": spec["components"]}).validate(example)
        formats = operation["responses"]["200"]["content"]
        assert formats["application/json"]["schema"]["$ref"].endswith("Result")
        assert "itemSchema" in formats["text/event-stream"]
        assert {"202", "400", "413", "415", "422", "503"} <= operation["responses"].keys()


async def test_the_versions_differ_in_streams_only() -> None:
    """3.1 has no words for the items of a stream: there it is text."""
    newer, older = await served(), await served("?version=3.1")
    assert newer["components"] == older["components"]
    for path, operations in newer["paths"].items():
        for method, operation in operations.items():
            other = older["paths"][path][method]
            assert operation | {"responses": {}} == other | {"responses": {}}
            for status, response in operation["responses"].items():
                stream = other["responses"][status].get("content", {}).get("text/event-stream")
                assert (stream is not None) == ("text/event-stream" in response.get("content", {}))
                assert stream in (None, {"schema": {"type": "string"}})


async def test_every_operation_is_named_for_what_it_does() -> None:
    """Not for a function; generators take the id, and each has its own."""
    spec = await served()
    operations = [one for path in spec["paths"].values() for one in path.values()]
    assert spec["paths"]["/asyncapi.json"]["get"]["summary"] == "The interface over NATS (AsyncAPI)"
    assert spec["paths"]["/jobs/{job}"]["get"]["summary"] == "State of a job"
    generated = {one["operationId"].replace("-", " ").replace("_", " ").title() for one in operations}
    assert not generated & {one["summary"] for one in operations}
    assert len({one["operationId"] for one in operations}) == len(operations)


async def test_refusals_are_described_by_their_codes() -> None:
    """Those of the catalogue, each under its status."""
    responses = (await served())["paths"]["/routing"]["post"]["responses"]
    for code in ("invalid_parameter", "body_too_large", "overloaded", "draining", "idempotency_key_reused"):
        known = REFUSALS[code]
        assert f"`{code}`: {known.title}." in responses[str(known.status)]["description"]


def references(node: Any) -> list[str]:
    """All of them."""
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [reference for value in node.values() for reference in references(value)]
    return [reference for value in node for reference in references(value)] if isinstance(node, list) else []
