"""Executors: the async functions that do the steps."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from penstock.contracts.step import Step
from penstock.llm.ask import StepModel
from penstock.pattern import Pattern
from penstock.steps.prompts import PromptFile, version_of


class Executor(Protocol):
    """Does a step: a function of its input and its dependencies; it knows no queue, subject or ack.

    Raises Failure to fail the step for good, Transient to be called again later.
    """

    def __call__(self, request: Any, *, model: StepModel) -> Awaitable[Any]: ...


@dataclass(frozen=True)
class Executable:
    """A step with what does it. `uses_model` is False for tools: no model is chosen or shown, attempts are fixed.

    `slots`: calls at once in one process, beside the slots that all other steps share; None: it takes of those.
    `prompt`: the version of its prompt, which outcomes show; None where it has none.
    """

    step: Step[Any, Any]
    execute: Executor
    uses_model: bool = True
    slots: int | None = None
    prompt: str | None = None


#: Makes an executor for a step, knowing its pattern (for the prompts).
MakeExecutor = Callable[[Pattern[Any, Any], Step[Any, Any]], Executable]


def from_prompt(pattern: Pattern[Any, Any], step: Step[Any, Any]) -> Executable:
    """The executor most steps need: render the step's prompt, ask the model, give its reply."""
    prompt = PromptFile.of(pattern, step)

    async def ask(request: Any, *, model: StepModel) -> Any:
        rendered, check = prompt.render(request), step.check and partial(step.check, request)
        return await (model.text(rendered, check) if step.output is str else model.object(rendered, step.output, check))

    return Executable(step, ask, prompt=version_of(prompt.text, step))
