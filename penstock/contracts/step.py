"""A step: one unit of work that an executor does once, and whose outcome is journaled."""

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel

from penstock.contracts.options import Priority
from penstock.contracts.wire import Token, Tolerant

In = TypeVar("In", bound=BaseModel)
Out = TypeVar("Out")

Complexity = Literal["simple", "moderate", "complex"]


@dataclass(frozen=True, kw_only=True)
class Step(Generic[In, Out]):
    """The contract of a step.

    `output` is a pydantic model, or `str` for plain text. `complexity` and the job's priority choose
    the model tier (`Settings.model_for`). `prompt` names the prompt file when it is not the step's
    own name; steps that need no model, or more than one prompt, have an executor of their own in
    their service's table instead.
    """

    name: str
    input: type[In]
    output: type[Out]
    service: str = "workers"
    complexity: Complexity = "simple"
    prompt: str | None = None


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
