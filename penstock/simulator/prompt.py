"""What a generateContent request asks for, read once from its JSON."""

import json
import re
import textwrap
import zlib
from functools import cached_property
from typing import Literal

from pydantic import Field

from penstock.simulator.failure import Failure
from penstock.simulator.schema import Schema
from penstock.simulator.wire import FunctionResult, Wire

_READ_CHARS = 4_000
#: What a prompt quotes, in a fence or a tag, to its end or as far as it is read.
_QUOTED = re.compile(r"(?:^`{3,}[\w-]*\n|<[a-zA-Z_][\w-]*>)(.*?)(?:\n```|</|\Z)", re.DOTALL | re.MULTILINE)
#: The whole of such a fence, whatever the material has of shorter ones; and a line's number, where lines are numbered.
_FENCED = re.compile(r"^(`{3,})[\w-]*\n(.*?)\n\1$", re.DOTALL | re.MULTILINE)
_NUMBERED = re.compile(r" *(\d+)[|:\t] ?(.*)")
_LINE_CHARS = 80
_ID = re.compile(r'"id": "([\w-]+)"')


class _Part(Wire):
    text: str = ""
    function_response: FunctionResult | None = None
    thought_signature: str | None = None


class _Content(Wire):
    role: Literal["user", "model"] = "user"
    parts: list[_Part] = []


class _Generation(Wire):
    response_mime_type: str = ""
    response_json_schema: Schema | None = None
    response_schema: None = None  # the older form is refused
    max_output_tokens: int | None = None


class _Function(Wire):
    name: str = Field(min_length=1)
    parameters_json_schema: Schema = {"type": "object"}
    parameters: None = None  # the older form is refused


class Prompt(Wire):
    """One request. `seed` decides what may vary: the words of the reply and where its chunks are cut.

    `revised`: the call is a later one of its step in its job, or improves something, by what the caller says of it.
    """

    contents: list[_Content] = Field(min_length=1)
    system_instruction: _Content = _Content()
    generation_config: _Generation = _Generation()
    tools: list[dict[Literal["functionDeclarations"], list[_Function]]] = []
    seed: int = 0
    revised: bool = False

    @cached_property
    def text(self) -> str:
        """All text, the system instruction first."""
        contents = [self.system_instruction, *self.contents]
        return "\n".join(part.text for content in contents for part in content.parts if part.text)

    @cached_property
    def functions(self) -> dict[str, Schema]:
        """The schema of the arguments of each function that may be called, by name."""
        functions = [one for tool in self.tools for one in tool["functionDeclarations"]]
        return {one.name: one.parameters_json_schema for one in functions}

    @cached_property
    def parts(self) -> list[_Part]:
        """All parts of the conversation."""
        return [part for content in self.contents for part in content.parts]

    @cached_property
    def results(self) -> list[FunctionResult]:
        """What earlier calls of functions gave."""
        return [part.function_response for part in self.parts if part.function_response]

    @cached_property
    def asked(self) -> str:
        """The first turn: the prompt without what was said since."""
        return "\n".join(part.text for part in self.contents[0].parts).strip()

    @cached_property
    def material(self) -> str:
        """The first thing that the prompt quotes, else all that the first turn says: what the user gave."""
        quoted = _QUOTED.search(self.asked[:_READ_CHARS])
        return (quoted and quoted[1].strip()) or self.asked

    @cached_property
    def lines(self) -> list[tuple[int, str]]:
        """What can be quoted of the last thing in a fence, which is what is to be judged: the start of each line that
        is not blank, with its number, which is the one that the prompt gives it if it numbers them all."""
        *_, last = ["", *(fence[2] for fence in _FENCED.finditer(self.asked))]
        lines = last.splitlines()
        numbered = [_NUMBERED.fullmatch(line) for line in lines]
        shown = [(int(one[1]), one[2]) for one in numbered if one]
        if len(shown) < len(lines):
            shown = [*enumerate(lines, start=1)]
        return [(number, line.strip()[:_LINE_CHARS].rstrip()) for number, line in shown if line.strip()]

    @cached_property
    def ids(self) -> list[str]:
        """The ids of what the prompt shows as JSON, in their order."""
        return _ID.findall(self.asked)

    @cached_property
    def subject(self) -> str:
        """The first words of it; of what the simulator itself wrote in an earlier step, the subject of that."""
        own = re.search(r"“([^”]+)”", self.material[:_READ_CHARS])
        words = own[1] if own else self.material[:200]
        return textwrap.shorten(words, 64, placeholder=" …") if " " in words[:60] else words[:60]


def read_prompt(body: bytes) -> Prompt:
    """The prompt in a request body. Raises Failure for what Gemini refuses: no JSON, no contents, an unknown role."""
    try:
        # half a surrogate pair, which JSON allows and UTF-8 does not, becomes a question mark
        text = json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace")
        prompt = Prompt.model_validate_json(text)
    except (ValueError, RecursionError) as error:
        raise Failure(400, f"Invalid JSON payload received: {error}") from None
    wanted = prompt.generation_config
    if wanted.response_json_schema is not None and wanted.response_mime_type != "application/json":
        raise Failure(400, "response_json_schema needs response_mime_type: application/json")
    prompt.seed = zlib.crc32(body)
    return prompt
