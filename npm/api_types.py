"""The console's types of what the gateway answers, made from its OpenAPI: services/gateway/console/src/api/schema.ts.

python npm/api_types.py
"""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from penstock_gateway.service import build

from penstock.settings import Settings

TARGET = Path(__file__).parents[1] / "services/gateway/console/src/api/schema.ts"
#: Those that the console reads; what they name comes along.
ROOTS = (
    *(
        "AskedStep",
        "DeadLetterPage",
        "Event",
        "Fleet",
        "JobPage",
        "JobState",
        "JobTimeline",
        "PatternContract",
        "Problem",
    ),
    *("Purged", "Replayed", "ShownDeadLetter", "Signal", "Snapshot", "UsageReport"),
)
#: Not sent where they have their default (`exclude_if`), which the document does not tell.
LEFT_OUT = {"unmetered", "cached"}
_REF = "#/components/schemas/"


def text() -> str:
    app = build(Settings(), asyncio.Event())
    schemas = app.state.gateway.description.document(app, "3.1")["components"]["schemas"]
    found: dict[str, str] = {}
    waiting = list(ROOTS)
    while waiting:
        if (name := waiting.pop()) not in found:
            found[name] = _type(schemas[name])
            waiting += re.findall(rf'"{re.escape(_REF)}([^"]+)"', json.dumps(schemas[name]))
    lines = ["// Made by npm/api_types.py from the gateway's OpenAPI.", ""]
    lines += [f"export type {_name(name)} = {found[name]};\n" for name in sorted(found)]
    return "\n".join(lines)


def _name(reference: str) -> str:
    return re.sub(r"\W", "_", reference.removeprefix(_REF))


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return _name(schema["$ref"])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(map(json.dumps, schema["enum"]))
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(dict.fromkeys(map(_type, several)))
    kind = schema.get("type")
    if kind == "array":
        return f"({_type(schema.get('items', {}))})[]"
    if kind == "object":
        return _object(schema)
    return {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}.get(
        kind or "", "unknown"
    )


def _object(schema: dict[str, Any]) -> str:
    if not (properties := schema.get("properties")):
        values = schema.get("additionalProperties")
        return f"Record<string, {_type(values) if isinstance(values, dict) else 'unknown'}>"
    # what is sent has its members with a default as well
    there = {name for name, inner in properties.items() if "const" in inner or inner.get("default") is not None}
    there -= LEFT_OUT
    there |= set(schema.get("required", ()))
    members = (
        f"  {json.dumps(name)}{'' if name in there else '?'}: {_type(inner)};" for name, inner in properties.items()
    )
    return "\n".join(("{", *members, "}"))


if __name__ == "__main__":
    TARGET.write_text(text())
