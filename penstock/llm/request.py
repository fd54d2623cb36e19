"""A prompt in the SDK's words."""

import base64
import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.genai import types
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

from penstock.contracts.prompt import Prompt
from penstock.contracts.tool import Declaration, Tool
from penstock.contracts.turns import Part, TextPiece, ToolCall
from penstock.llm.schema import reduced_of_others, schema_of
from penstock.llm.selector import Asked
from penstock.settings import Models


@dataclass(frozen=True)
class Question:
    """All that one call asks. `headers`: beside the SDK's own."""

    prompt: Prompt
    asked: Asked
    output: type[BaseModel] | type[str]
    tools: Sequence[Tool[Any, Any] | Declaration]
    settings: Models
    headers: Mapping[str, str]

    @property
    def kind(self) -> Hashable:
        """All but the words: a step has one, or a few, and a process as many as steps, times models and thinking."""
        return self.asked, self.output, tuple(map(_as_key, self.tools))

    @property
    def config(self) -> types.GenerateContentConfig:
        return config_of(
            self.prompt,
            output=self.output,
            tools=self.tools,
            asked=self.asked,
            settings=self.settings,
            headers=self.headers,
        )


#: Kinds of questions of which what was worked out is kept.
KINDS = 500


def words_of(prompt: Prompt) -> bytes:
    """All that a prompt says, so that no two say the same; for the identity of a question."""
    try:
        return to_json((prompt.system, prompt.turns))
    except PydanticSerializationError:  # half a surrogate pair is sent, but pydantic writes none
        return repr((prompt.system, [turn.model_dump() for turn in prompt.turns])).encode()


def contents_of(prompt: Prompt) -> list[types.Content]:
    return [types.Content(role=turn.role, parts=[_part(part) for part in turn.parts]) for turn in prompt.turns]


def config_of(
    prompt: Prompt,
    *,
    output: type[BaseModel] | type[str],
    tools: Sequence[Tool[Any, Any] | Declaration],
    asked: Asked,
    settings: Models,
    headers: Mapping[str, str],
) -> types.GenerateContentConfig:
    """No sampling parameters unless the settings name a temperature: Gemini 3 deprecates them.

    Everything the SDK does by itself is off: it calls no functions, and does not resume a broken stream (which
    would be a second, hidden call; retries have one owner).
    """
    json_schema = schema_of(output) if issubclass(output, BaseModel) else None
    return types.GenerateContentConfig(
        system_instruction=prompt.system or None,
        max_output_tokens=settings.model_max_output_tokens,
        temperature=asked.temperature,
        thinking_config=_thinking(asked),
        safety_settings=[
            types.SafetySetting(category=types.HarmCategory(category), threshold=types.HarmBlockThreshold(threshold))
            for category, threshold in settings.safety_settings.items()
        ]
        or None,
        response_mime_type="application/json" if json_schema else None,
        response_json_schema=json_schema,
        tools=[types.Tool(function_declarations=[_declaration(tool) for tool in tools])] if tools else None,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        automatic_continuation=False,
        http_options=types.HttpOptions(headers=dict(headers)) if headers else None,
    )


def _thinking(asked: Asked) -> types.ThinkingConfig | None:
    if isinstance(asked.told, int):
        return types.ThinkingConfig(thinking_budget=asked.told)
    return types.ThinkingConfig(thinking_level=types.ThinkingLevel(asked.told.upper())) if asked.told else None


def _declaration(tool: Tool[Any, Any] | Declaration) -> types.FunctionDeclaration:
    if isinstance(tool, Tool):
        given: type[BaseModel] = tool.step.input
        schema = schema_of(given)
    else:
        schema = reduced_of_others({"type": "object", **tool.parameters})
    return types.FunctionDeclaration(name=tool.name, description=tool.description, parameters_json_schema=schema)


def _part(part: Part) -> types.Part:
    if isinstance(part, TextPiece):
        return types.Part(text=part.text, thought_signature=_bytes(part.signature))
    if isinstance(part, ToolCall):
        call = types.FunctionCall(id=part.id, name=part.name, args=dict(part.args))
        return types.Part(function_call=call, thought_signature=_bytes(part.signature))
    return types.Part(function_response=types.FunctionResponse(id=part.id, name=part.name, response=dict(part.output)))


def _as_key(tool: Tool[Any, Any] | Declaration) -> Hashable:
    if isinstance(tool, Tool):
        return tool
    return tool.name, tool.description, json.dumps(tool.parameters, sort_keys=True)


def _bytes(signature: str | None) -> bytes | None:
    return None if signature is None else base64.b64decode(signature)
