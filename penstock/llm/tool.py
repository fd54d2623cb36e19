"""A tool as a model is told about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """`parameters`: JSON Schema of the arguments object; `llm.schema` reduces it to what Gemini takes."""

    name: str
    description: str
    parameters: Mapping[str, Any]
