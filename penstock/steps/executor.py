"""The table of executors: which async function does which step."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel

from penstock.contracts.step import Step
from penstock.errors import Misconfigured
from penstock.llm.ask import StepModel
from penstock.pattern import Pattern
from penstock.steps.prompts import PromptFile


class Executor(Protocol):
    """Does a step: a function of its input and its dependencies; it knows no queue, subject or ack.

    Raises Failure to fail the step for good, Transient to be called again later.
    """

    def __call__(self, request: Any, *, model: StepModel) -> Awaitable[Any]: ...


@dataclass(frozen=True)
class Executable:
    """A step with what does it. `uses_model` is False for tools: no model is chosen, shown or retried."""

    step: Step[Any, Any]
    execute: Executor
    uses_model: bool = True


#: Makes an executor for a step, knowing its pattern (for the prompts).
MakeExecutor = Callable[[Pattern[Any, Any], Step[Any, Any]], Executable]


def from_prompt(pattern: Pattern[Any, Any], step: Step[Any, Any]) -> Executable:
    """The executor most steps need: render the step's prompt, ask the model, give its reply."""
    input_model: type[BaseModel] = step.input
    prompt = _prompt(pattern.prompts, step.prompt_name, input_model)

    async def ask(request: Any, *, model: StepModel) -> Any:
        rendered = prompt.render(request)
        return await (model.text(rendered) if step.output is str else model.object(rendered, step.output))

    return Executable(step, ask)


@lru_cache(maxsize=1024)
def _prompt(folder: Path, name: str, model: type[BaseModel]) -> PromptFile:
    """Compiling all templates takes a tenth of a second: once for all services of a process."""
    return PromptFile.load(folder, name, model=model)


def table(
    steps: Mapping[str, tuple[Pattern[Any, Any], Step[Any, Any]]],
    special: Mapping[str, MakeExecutor],
    only: Iterable[str] | None = None,
) -> dict[str, Executable]:
    """step name -> how it is done, for the steps of one service.

    `special` holds the steps that a prompt alone does not do. `only` picks some of the steps by name.
    Raises Misconfigured for a name in `only` that is no step of the service.
    """
    chosen = set(steps) if only is None else set(only)
    if unknown := chosen - set(steps):
        raise Misconfigured(f"no such step here: {', '.join(sorted(unknown))}. There are: {', '.join(sorted(steps))}")
    return {name: special.get(name, from_prompt)(*steps[name]) for name in sorted(chosen)}
