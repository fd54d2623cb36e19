"""What the simulator remembers of one call; also what the steering client returns."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

CallStatus = Literal["running", "completed", "failed", "disconnected"]


class Usage(BaseModel):
    """Tokens of one call, as Gemini counts them: the total has prompt, reply and thoughts."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    prompt_token_count: int = 0
    candidates_token_count: int = 0
    thoughts_token_count: int = 0
    total_token_count: int = 0


class FunctionResult(BaseModel):
    """What the caller answered to an earlier function call."""

    model_config = ConfigDict(frozen=True)

    name: str
    response: dict[str, Any]


class Call(BaseModel):
    """One generateContent or streamGenerateContent request. Times are seconds since the epoch."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

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
    results: list[FunctionResult] = []
    signatures: list[str] = []
    status: CallStatus = "running"
    started_at: float
    ended_at: float | None = None
    chunks: int = 0
    held: str | None = None
    usage: Usage | None = None
    finish_reason: str | None = None
    http_status: int = 200


class Stats(BaseModel):
    """Totals since the start or the last reset. `running` counts what is under way right now."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    calls: int = 0
    by_step: dict[str, int] = {}
    by_model: dict[str, int] = {}
    tokens: Usage = Usage()
    running: int = 0
    peak_running: int = 0
    completed: int = 0
    failed: int = 0
    disconnected: int = 0
