"""A step: one unit of work that an executor does once, and whose outcome is journaled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, get_args

from pydantic import BaseModel

from penstock.contracts.options import Priority
from penstock.contracts.wire import Token, Tolerant

In = TypeVar("In", bound=BaseModel)
Out = TypeVar("Out")

Complexity = Literal["simple", "moderate", "complex"]
#: How much a model thinks before it answers.
Thinking = Literal["low", "medium", "high"]


@dataclass(frozen=True, kw_only=True)
class Step(Generic[In, Out]):
    """The contract of a step.

    `output` is a pydantic model, or `str` for plain text. `complexity` and the job's priority choose
    the model tier (`Settings.model_for`), `thinking` and the priority how much that model thinks. `prompt` names the
    prompt file when it is not the step's own name; steps that need no model, or more than one prompt, have an executor
    of their own in their service's table instead.

    `check` says what is wrong with an output that fits the schema, a sentence for each fault, for the model that is
    asked again; none for a good one. It runs where the step is executed and must be a pure function.

    `may_shorten`: a reply that is cut off at the model's output limit, with the least thinking, may be asked for
    shorter. Without it such a step fails as `output_truncated`: a shortened translation would be no translation.
    """

    name: str
    input: type[In]
    output: type[Out]
    service: str = "workers"
    complexity: Complexity = "simple"
    prompt: str | None = None
    thinking: Thinking = "medium"
    may_shorten: bool = False
    check: Callable[[In, Out], Sequence[str]] | None = None

    def thinking_for(self, priority: Priority | None) -> Thinking:
        """One level less where speed was asked for, one more for quality."""
        levels: tuple[Thinking, ...] = get_args(Thinking)
        shift = {"speed": -1, "quality": 1}.get(priority or "", 0)
        return levels[min(max(levels.index(self.thinking) + shift, 0), len(levels) - 1)]


class StepMessage(Tolerant):
    """What `steps.<service>.<step>.<job>.<key>` carries: everything an executor needs."""

    pattern: Token
    job: Token
    step: Token
    key: Token
    input: dict[str, object]
    #: SHA-256 of step and input (hex, first 32 characters): a replay that asks for something else is refused.
    fingerprint: str
    #: Where in the result the output grows (RFC 6901), "" for the root, None for nowhere.
    into: str | None = None
    complexity: Complexity = "simple"
    priority: Priority | None = None
    #: Unix time, seconds.
    deadline: float
