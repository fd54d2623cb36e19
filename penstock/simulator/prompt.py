"""What a generateContent request asks for, read once from its JSON."""

from __future__ import annotations

import hashlib
import json
import re
import textwrap
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, ValidationError

from penstock.simulator.call import FunctionResult, Wire
from penstock.simulator.failure import InvalidRequest
from penstock.simulator.schema import Schema

_READ_CHARS = 4_000
#: What a prompt quotes: in a fence, a tag or triple quotes, to its end or as far as it is read.
_QUOTED = re.compile(
    r"^(?P<fence>`{3,})[\w-]*\n(?P<fenced>.*?)(?:\n(?P=fence)|\Z)|<(?P<tag>[a-zA-Z_][\w-]*)>(?P<tagged>.*?)(?:</(?P=tag)>|\Z)"
    r'|"""(?P<tripled>.*?)(?:"""|\Z)',
    re.DOTALL | re.MULTILINE,
)
_REVISED = re.compile(r"\b(?:improved?|revised?|rewrite|rewritten)\b", re.IGNORECASE)


class _Part(Wire):
    text: str = ""
    function_response: FunctionResult | None = None
    thought_signature: str | None = None


class _Content(Wire):
    role: Literal["user", "model"] = "user"
    parts: list[_Part] = []

    @property
    def text(self) -> str:
        return "\n".join(part.text for part in self.parts if part.text)


class _Generation(Wire):
    response_mime_type: str = ""
    response_json_schema: dict[str, Any] | None = None
    response_schema: None = None  # the older form is refused
    max_output_tokens: int | None = None


class Function(Wire):
    """One declared function; the schema of its arguments in JSON Schema only."""

    name: str = Field(min_length=1)
    parameters_json_schema: Schema = {"type": "object"}
    parameters: None = None


class _Tool(Wire):
    function_declarations: list[Function] = []


class Prompt(Wire):
    """One request. `seed` decides what may vary: the words of the reply and where its chunks are cut."""

    contents: list[_Content] = Field(min_length=1)
    system_instruction: _Content = _Content()
    generation_config: _Generation = _Generation()
    tools: list[_Tool] = []
    model: str = ""
    seed: int = 0

    @cached_property
    def text(self) -> str:
        """All text of the conversation."""
        return "\n".join(content.text for content in self.contents if content.text)

    @cached_property
    def whole(self) -> str:
        """System instruction and all text of the conversation."""
        system = self.system_instruction.text
        return f"{system}\n{self.text}" if system else self.text

    @property
    def wants_json(self) -> bool:
        """The reply is to be JSON."""
        return self.generation_config.response_mime_type == "application/json"

    @cached_property
    def functions(self) -> list[Function]:
        """Those that the model may call."""
        return [one for tool in self.tools for one in tool.function_declarations]

    @cached_property
    def results(self) -> list[FunctionResult]:
        """What earlier calls of functions gave."""
        return [part.function_response for one in self.contents for part in one.parts if part.function_response]

    @property
    def signatures(self) -> list[str]:
        """Thought signatures that came back."""
        return [part.thought_signature for one in self.contents for part in one.parts if part.thought_signature]

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
        # half a surrogate pair, which JSON allows and UTF-8 does not, becomes a question mark
        text = json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace")
        prompt = Prompt.model_validate_json(text)
    except ValidationError as error:
        wrong = error.errors()[0]
        place = ".".join(map(str, wrong["loc"]))
        raise InvalidRequest(f"Invalid value at GenerateContentRequest.{place}: {wrong['msg']}") from None
    except (ValueError, RecursionError):
        raise InvalidRequest("Invalid JSON payload received.") from None
    if prompt.generation_config.response_json_schema is not None and not prompt.wants_json:
        raise InvalidRequest("response_json_schema needs response_mime_type: application/json")
    prompt.model = model
    prompt.seed = int.from_bytes(hashlib.blake2b(model.encode() + b"\0" + body, digest_size=7).digest(), "big")
    return prompt
