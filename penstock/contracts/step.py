"""A step: one unit of work that an executor does once, and whose outcome is journaled."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, Generic, Literal, TypeVar, get_args

from pydantic import BaseModel

from penstock.contracts.budgets import PayingKey
from penstock.contracts.options import Budget, Priority
from penstock.contracts.prompt import Prompt
from penstock.contracts.wire import DEFAULT_TENANT, Tenant, Token, Tolerant, omitted

In = TypeVar("In", bound=BaseModel)
Out = TypeVar("Out")

Complexity = Literal["simple", "moderate", "complex"]
#: How much a model thinks before it answers.
Thinking = Literal["low", "medium", "high"]


@dataclass(frozen=True, kw_only=True)
class Step(Generic[In, Out]):
    """The contract of a step.

    `output` is a pydantic model, or `str` for plain text. `complexity` and the job's priority choose
    the model tier (`penstock.llm.selector`), `thinking` and the priority how much that model thinks. `prompt` names the
    prompt file when it is not the step's own name; a Path, for a step that several patterns share, is any file. `name`
    is the pattern's own: other patterns may have the same.

    Without `do` the prompt is rendered and its reply is the output. `do` is an async function of the input, and of what
    it needs beside it: a StepContext (penstock.pattern) for a parameter that is annotated so, and for those with a
    Depends (penstock.depends) what is opened once a process. It raises Failure to fail the step for good, Transient to
    be called again later. `uses_model`: whether it asks a model; by default those steps do that have no `do`. `slots`:
    calls of it at once in one process, beside the slots that all other steps share. `version` is part of the version
    that outcomes show: what decides its output and stands in no prompt, say tools.

    `prompted`, for a `do` that asks a model: what it asks first, a pure function of its input and of its file's prompt
    for it, which `do` uses as well. By it the prompt can be shown later; without it that of the file is.

    `check` says what is wrong with an output that fits the schema, a sentence for each fault, for the model that is
    asked again; none for a good one. It runs where the step is executed and must be a pure function.

    `may_shorten`: a reply that is cut off at the model's output limit, with the least thinking, may be asked for
    shorter. Without it the tier above is asked, then the step fails as `output_truncated`: a shortened translation
    would be no translation.
    """

    name: str
    input: type[In]
    output: type[Out]
    service: str = "workers"
    complexity: Complexity = "simple"
    prompt: str | Path | None = None
    thinking: Thinking = "medium"
    may_shorten: bool = False
    check: Callable[[In, Out], Sequence[str]] | None = None
    do: Callable[Concatenate[In, ...], Awaitable[Out]] | None = None
    prompted: Callable[[In, Prompt], Prompt] | None = None
    uses_model: bool | None = None
    slots: int | None = None
    version: str = ""

    @property
    def asks(self) -> bool:
        """Whether it asks a model."""
        return self.do is None if self.uses_model is None else self.uses_model

    def thinking_for(self, priority: Priority | None) -> Thinking:
        """One level less where speed was asked for, one more for quality."""
        levels: tuple[Thinking, ...] = get_args(Thinking)
        shift = {"speed": -1, "quality": 1}.get(priority or "", 0)
        return levels[min(max(levels.index(self.thinking) + shift, 0), len(levels) - 1)]


class StepMessage(Tolerant):
    """What `steps.<lane>.<service>.<pattern>.<step>.<tenant>.<job>.<key>` carries: everything an executor needs."""

    pattern: Token
    job: Token
    tenant: Tenant = DEFAULT_TENANT
    step: Token
    key: Token
    input: dict[str, object]
    #: SHA-256 of step and input (hex, first 32 characters): a replay that asks for something else is refused.
    fingerprint: str
    #: Where in the result the output grows (RFC 6901), "" for the root, None for nowhere.
    into: str | None = None
    #: The same for the words alone of an output that is a Turn.
    words_into: str | None = omitted()
    complexity: Complexity = "simple"
    priority: Priority | None = None
    #: Whether a reply that was kept may answer it, and its own may be kept.
    cache: bool = True
    #: How many steps before it in its job ask the same: they are asked for another reply each.
    asked_before: int = 0
    #: What the job's options say.
    model: str | None = None
    #: What the job may spend.
    budget: Budget | None = omitted()
    #: The key that its job was submitted with, whose budgets pay for it as well.
    paying_key: PayingKey | None = omitted()
    #: Unix time, seconds.
    deadline: float

    @property
    def place(self) -> str | None:
        """Where readers see the output, or its words, grow."""
        return self.into if self.words_into is None else self.words_into
