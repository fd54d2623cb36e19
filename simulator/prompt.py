"""What a generateContent request asks for, read once from its JSON."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from simulator.call import FunctionResult
from simulator.failure import InvalidRequest
from simulator.schema import Schema, normalised


@dataclass(frozen=True, slots=True)
class Function:
    """One declared function; `parameters` is its JSON Schema, normalised."""

    name: str
    description: str
    parameters: Schema


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request. `seed` is a hash of model and body: equal requests get equal replies."""

    model: str
    seed: int
    system: str
    text: str
    schema: Schema | None
    wants_json: bool
    functions: tuple[Function, ...]
    mode: str
    allowed: frozenset[str]
    results: tuple[FunctionResult, ...]
    signatures: tuple[str, ...]
    max_output_tokens: int | None

    @property
    def whole(self) -> str:
        """System instruction and all text of the conversation."""
        return f"{self.system}\n{self.text}" if self.system else self.text

    @property
    def tokens(self) -> int:
        """About a token for four characters, as countTokens says too."""
        return max(1, (len(self.system) + len(self.text) + 3) // 4)


def read_prompt(model: str, body: bytes) -> Prompt:
    """The prompt in a request body.

    Raises InvalidRequest for what Gemini answers with 400: no JSON, no contents, an unknown role.
    """
    try:
        request = json.loads(body)
    except ValueError:
        raise InvalidRequest("Invalid JSON payload received.") from None
    if not isinstance(request, dict):
        raise InvalidRequest("Invalid JSON payload received: an object was expected.")
    if isinstance(request.get("generateContentRequest"), dict):
        request = request["generateContentRequest"]
    contents = request.get("contents")
    if not isinstance(contents, list) or not contents:
        raise InvalidRequest("* GenerateContentRequest.contents: contents is not specified")
    settings = _member(request, "generationConfig", "generation_config")
    mime = _member_text(settings, "responseMimeType", "response_mime_type")
    schema = _first(settings, "responseJsonSchema", "response_json_schema", "responseSchema", "response_schema")
    if schema is not None and mime not in ("application/json", "text/x.enum"):
        raise InvalidRequest("response_schema needs response_mime_type: application/json")
    calling = _member(_member(request, "toolConfig", "tool_config"), "functionCallingConfig", "function_calling_config")
    allowed = _first(calling, "allowedFunctionNames", "allowed_function_names") or []
    limit = _first(settings, "maxOutputTokens", "max_output_tokens")
    texts, results = _conversation(contents)
    return Prompt(
        model=model,
        seed=int.from_bytes(hashlib.blake2b(model.encode() + b"\0" + body, digest_size=8).digest(), "big"),
        system="\n".join(_texts(_member(request, "systemInstruction", "system_instruction"))),
        text="\n".join(texts),
        schema=None if schema is None else normalised(schema),
        wants_json=mime == "application/json",
        functions=tuple(_functions(request.get("tools") or [])),
        mode=_member_text(calling, "mode") or "AUTO",
        allowed=frozenset(str(name) for name in allowed),
        results=tuple(results),
        signatures=tuple(_signatures(contents)),
        max_output_tokens=limit if isinstance(limit, int) else None,
    )


def _first(holder: dict[str, Any], *names: str) -> Any:
    return next((holder[name] for name in names if holder.get(name) is not None), None)


def _member(holder: dict[str, Any], *names: str) -> dict[str, Any]:
    found = _first(holder, *names)
    return found if isinstance(found, dict) else {}


def _member_text(holder: dict[str, Any], *names: str) -> str:
    found = _first(holder, *names)
    return found if isinstance(found, str) else ""


def _parts(content: dict[str, Any]) -> list[dict[str, Any]]:
    parts = content.get("parts")
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def _texts(content: dict[str, Any]) -> list[str]:
    return [part["text"] for part in _parts(content) if isinstance(part.get("text"), str)]


def _conversation(contents: list[Any]) -> tuple[list[str], list[FunctionResult]]:
    texts: list[str] = []
    results: list[FunctionResult] = []
    for content in contents:
        if not isinstance(content, dict) or content.get("role", "user") not in ("user", "model", "function"):
            raise InvalidRequest("Please use a valid role: user, model.")
        texts += _texts(content)
        for part in _parts(content):
            answer = _member(part, "functionResponse", "function_response")
            if answer:
                response = answer.get("response")
                name, given = str(answer.get("name", "")), response if isinstance(response, dict) else {}
                results.append(FunctionResult(name=name, response=given))
    return texts, results


def _signatures(contents: list[Any]) -> list[str]:
    """The thought signatures that come back; `contents` has been read by `_conversation` before."""
    parts = (part for content in contents for part in _parts(content))
    return [one for one in (_first(part, "thoughtSignature", "thought_signature") for part in parts) if one]


def _functions(tools: list[Any]) -> list[Function]:
    found: list[Function] = []
    for tool in tools:
        declarations = _first(tool, "functionDeclarations", "function_declarations") if isinstance(tool, dict) else None
        for declared in declarations or []:
            if not isinstance(declared, dict) or not declared.get("name"):
                raise InvalidRequest("* GenerateContentRequest.tools[0].function_declarations: name is not specified")
            parameters = _first(declared, "parametersJsonSchema", "parameters_json_schema", "parameters")
            schema = normalised(parameters or {"type": "object", "properties": {}})
            found.append(Function(declared["name"], str(declared.get("description", "")), schema))
    return found
