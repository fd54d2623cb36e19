"""What the simulator keeps of each call, and the totals."""

import time
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

CallStatus = Literal["running", "completed", "failed", "disconnected"]


class Wire(BaseModel):
    """camelCase in JSON, where snake_case is understood too."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True)


class Usage(Wire):
    """Tokens of one call, as Gemini counts them: the total has prompt, reply and thoughts."""

    prompt_token_count: int = 0
    candidates_token_count: int = 0
    thoughts_token_count: int = 0
    total_token_count: int = 0


class FunctionResult(Wire):
    """What the caller answered to an earlier function call."""

    name: str = ""
    response: dict[str, Any] = {}


class Call(Wire):
    """One request for content. Times are seconds since the epoch; `prompt` is kept up to 4,000 characters."""

    id: int
    method: Literal["generateContent", "streamGenerateContent"]
    model: str
    step: str | None
    job: str | None
    key: str | None
    prompt: str
    schema_properties: list[str]
    tools: list[str]
    #: What came back with the conversation: tools' answers by name, and thought signatures, each in order.
    results: list[FunctionResult]
    signatures: list[str]
    status: CallStatus = "running"
    started_at: float = Field(default_factory=time.time)
    ended_at: float | None = None
    chunks: int = 0
    held: str | None = None
    usage: Usage | None = None


class Stats(Wire):
    """Totals since the start or the last clear. `running` counts what is under way right now."""

    calls: int = 0
    running: int = 0
    peak_running: int = 0
    completed: int = 0
