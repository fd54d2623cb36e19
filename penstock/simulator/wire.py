"""What steering sends and gets, as JSON: rules that say how certain calls are answered, and accounts of all calls."""

import math
import time
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
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


class _Given(Wire, extra="forbid", frozen=True):
    """What a test sends: nothing that is not known, and of some members one at most."""

    one_of: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(given := self.model_fields_set & self.one_of) > 1:
            raise ValueError(f"give one of {', '.join(sorted(given))}")
        return self


class Match(_Given):
    """Which calls are meant: a member left out leaves all in."""

    step: str | None = None
    job: str | None = None
    key: str | None = None
    model: str | None = None
    contains: str = ""
    status: CallStatus | None = None
    held: str | None = None
    min_chunks: int = Field(default=0, ge=0)

    def covers(self, call: Call) -> bool:
        """The call is one of those meant. `contains` is looked for in what the call has of its prompt."""
        equal = ("step", "job", "key", "model", "status", "held")
        if any(getattr(self, name) not in (None, getattr(call, name)) for name in equal):
            return False
        return call.chunks >= self.min_chunks and self.contains in call.prompt


class CallQuery(Match):
    """Calls to list, as soon as there are `count` or `timeout` seconds are over."""

    count: int = Field(default=0, ge=0)
    timeout: float = Field(default=60.0, gt=0, le=600)


class Pace(_Given):
    """Seconds to the first token, then tokens a second (None: all at once). A rule has only what is to differ."""

    ttft: float = Field(default=0.0, ge=0)
    tokens_per_second: float | None = Field(default=None, gt=0)


class PlannedCall(_Given):
    """One function call of a reply."""

    name: str
    args: dict[str, Any] = {}


class Reply(_Given):
    """What to answer instead of the generated reply, and how. `vary` False: an equal request has equal words."""

    one_of = frozenset({"text", "value", "merge"})

    text: str | None = None
    value: Any = Field(default=None, alias="json")
    merge: dict[str, Any] | None = None
    function_calls: tuple[PlannedCall, ...] = ()
    finish_reason: str = "STOP"
    pace: Pace = Pace()
    vary: bool = True
    hold: str | None = Field(default=None, min_length=1)
    hold_before: bool = False


class Fault(_Given):
    """What goes wrong. `retry_delay` is in seconds; `break_after_chunks` aborts the connection."""

    one_of = frozenset({"status", "break_after_chunks", "truncate", "invalid_json", "safety", "prompt_blocked", "hang"})

    status: int | None = Field(default=None, ge=400, le=599)
    message: str | None = None
    retry_delay: float | None = Field(default=None, ge=0)
    break_after_chunks: int | None = Field(default=None, ge=0)
    truncate: bool = False
    invalid_json: bool = False
    safety: bool = False
    prompt_blocked: bool = False
    hang: bool = False


class Rule(Match):
    """The first rule that matches a call as it comes, and is neither skipping nor used up, decides it.

    The first `skip` matching calls pass on to later rules; after `times` hits the rule is used up.
    """

    times: int | None = Field(default=None, ge=1)
    skip: int = Field(default=0, ge=0)
    reply: Reply = Reply()
    fault: Fault = Fault()
    _matched: int = 0

    def takes(self, call: Call) -> bool:
        """The rule decides this call, which is counted."""
        if self._matched >= self.skip + (self.times or math.inf) or not self.covers(call):
            return False
        self._matched += 1
        return self._matched > self.skip
