"""What a generateContent request asks for, read once from its JSON; camelCase and snake_case are both understood."""

from __future__ import annotations

import hashlib
import json
import re
import textwrap
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from penstock.simulator.call import FunctionResult
from penstock.simulator.failure import InvalidRequest
from penstock.simulator.schema import Schema, normalised

_READ_CHARS = 4_000
#: What a prompt quotes: in a fence, a tag or triple quotes, to its end or as far as it is read.
_QUOTED = re.compile(
    r"^(?P<fence>`{3,})[\w-]*\n(?P<fenced>.*?)(?:\n(?P=fence)|\Z)|<(?P<tag>[a-zA-Z_][\w-]*)>(?P<tagged>.*?)(?:</(?P=tag)>|\Z)"
    r'|"""(?P<tripled>.*?)(?:"""|\Z)',
    re.DOTALL | re.MULTILINE,
)
_REVISED = re.compile(r"\b(?:improved?|revised?|rewrite|rewritten)\b", re.IGNORECASE)


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class _Part(_Wire):
    text: str | None = None
    function_response: FunctionResult | None = None
    thought_signature: str | None = None


class _Content(_Wire):
    role: Literal["user", "model", "function"] = "user"
    parts: list[_Part] = []


class _Generation(_Wire):
    response_mime_type: str = ""
    response_json_schema: Any = None
    response_schema: Any = None
    max_output_tokens: int | None = None


class Function(_Wire):
    """One declared function."""

    name: str = Field(min_length=1)
    parameters_json_schema: Any = None
    parameters: Any = None

    @cached_property
    def schema_(self) -> Schema:
        """The JSON Schema of its arguments, normalised."""
        return normalised(self.parameters_json_schema or self.parameters or {"type": "object"})


class _Tool(_Wire):
    function_declarations: list[Function] = []


class _Calling(_Wire):
    mode: str = "AUTO"
    allowed_function_names: list[str] = []


class _ToolConfig(_Wire):
    function_calling_config: _Calling = _Calling()


class _Request(_Wire):
    contents: list[_Content] = Field(min_length=1)
    system_instruction: _Content = _Content()
    generation_config: _Generation = _Generation()
    tools: list[_Tool] = []
    tool_config: _ToolConfig = _ToolConfig()


@dataclass
class Prompt:
    """One request. `seed` decides what may vary: the words of the reply and where its chunks are cut."""

    model: str
    seed: int
    system: str
    text: str
    schema: Schema | None
    wants_json: bool
    functions: list[Function]
    must_call: bool
    results: list[FunctionResult]
    signatures: list[str]
    max_output_tokens: int | None

    @property
    def whole(self) -> str:
        """System instruction and all text of the conversation."""
        return f"{self.system}\n{self.text}" if self.system else self.text

    @property
    def tokens(self) -> int:
        """About a token for four characters, as countTokens says too."""
        return max(1, (len(self.system) + len(self.text) + 3) // 4)

    @cached_property
    def material(self) -> str:
        """The first thing that the prompt quotes, else all of it: what the user gave."""
        quoted = _QUOTED.search(self.text[:_READ_CHARS])
        found = quoted and (quoted["fenced"] or quoted["tagged"] or quoted["tripled"] or "").strip()
        return found or self.text.strip()

    @cached_property
    def subject(self) -> str:
        """The first words of it; of what the simulator itself wrote in an earlier step, the subject of that."""
        own = re.search(r"“([^”]+)”", self.material[:_READ_CHARS])
        words = own[1] if own else self.material[:200]
        return textwrap.shorten(words, 64, placeholder=" …") if " " in words[:60] else words[:60]

    @cached_property
    def revised(self) -> bool:
        """The prompt asks for a revised version of something, or brings one."""
        return _REVISED.search(self.whole) is not None


def read_prompt(model: str, body: bytes) -> Prompt:
    """The prompt in a request body.

    Raises InvalidRequest for what Gemini answers with 400: no JSON, no contents, an unknown role.
    """
    try:
        data = json.loads(body)
        if isinstance(data, dict):
            data = data.get("generateContentRequest", data)
        # half a surrogate pair, which JSON allows and UTF-8 does not, becomes a question mark
        request = _Request.model_validate_json(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
    except ValidationError as error:
        wrong = error.errors()[0]
        place = ".".join(map(str, wrong["loc"]))
        raise InvalidRequest(f"Invalid value at GenerateContentRequest.{place}: {wrong['msg']}") from None
    except (ValueError, RecursionError):
        raise InvalidRequest("Invalid JSON payload received.") from None
    parts = [part for content in request.contents for part in content.parts]
    settings, calling = request.generation_config, request.tool_config.function_calling_config
    schema, mime = settings.response_json_schema or settings.response_schema, settings.response_mime_type
    if schema is not None and mime not in ("application/json", "text/x.enum"):
        raise InvalidRequest("response_schema needs response_mime_type: application/json")
    declared = [one for tool in request.tools for one in tool.function_declarations]
    allowed = calling.allowed_function_names or [one.name for one in declared]
    return Prompt(
        model=model,
        seed=int.from_bytes(hashlib.blake2b(model.encode() + b"\0" + body, digest_size=7).digest(), "big"),
        system="\n".join(part.text for part in request.system_instruction.parts if part.text),
        text="\n".join(part.text for part in parts if part.text),
        schema=None if schema is None else normalised(schema),
        wants_json=mime == "application/json",
        functions=[one for one in declared if one.name in allowed and calling.mode != "NONE"],
        must_call=calling.mode == "ANY",
        results=[part.function_response for part in parts if part.function_response],
        signatures=[part.thought_signature for part in parts if part.thought_signature],
        max_output_tokens=settings.max_output_tokens,
    )
