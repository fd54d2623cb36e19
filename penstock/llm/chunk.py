"""What is read of a chunk of Gemini's stream: as much as a reply needs, checked while it is parsed."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

#: A value of an enum, which the SDK knows in any case of letters.
Name = Annotated[str, StringConstraints(to_upper=True)]


class Read(BaseModel):
    """From JSON, or from the attributes of the SDK's own object."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        from_attributes=True,
        val_json_bytes="base64",
        protected_namespaces=(),
    )


class FunctionCall(Read):
    id: str | None = None
    name: str | None = None
    args: dict[str, Any] | None = None


class Part(Read):
    text: str | None = None
    thought: bool | None = None
    thought_signature: bytes | None = None
    function_call: FunctionCall | None = None


class Content(Read):
    parts: list[Part] | None = None


class Candidate(Read):
    content: Content | None = None
    finish_reason: Name | None = None
    finish_message: str | None = None


class PromptFeedback(Read):
    block_reason: Name | None = None


class UsageMetadata(Read):
    prompt_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None


class Chunk(Read):
    candidates: list[Candidate] | None = None
    model_version: str | None = None
    usage_metadata: UsageMetadata | None = None
    prompt_feedback: PromptFeedback | None = None
    #: Google's error object, in place of all others.
    error: Any = None


def chunk_of(text: str) -> Chunk:
    """Raises ValueError (ValidationError, JSONDecodeError) for what is none, RecursionError where it is too deep.

    What the strict parser refuses is parsed as the SDK does: half a surrogate pair may be escaped in one chunk, and the
    other half in the next.
    """
    try:
        return Chunk.model_validate_json(text)
    except ValidationError:
        return Chunk.model_validate(json.loads(text))
