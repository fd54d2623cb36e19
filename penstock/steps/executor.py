"""Executors: what does the steps."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from nats.aio.msg import Msg
from pydantic import BaseModel, ValidationError

from penstock.cancelling import stop
from penstock.contracts.prompt import Prompt
from penstock.contracts.step import Step, StepMessage
from penstock.contracts.wire import JobName
from penstock.errors import Failure, Misconfigured, OutputInvalid
from penstock.jetstream import subjects
from penstock.pattern import Pattern, StepContext
from penstock.steps.prompts import PromptFile, version_of
from penstock.steps.resources import Resources
from penstock.validation import field_errors, summary


@dataclass(frozen=True)
class Executable:
    """A step with what does it: a function of its input and a StepContext; it knows no queue, subject or ack.

    It raises Failure to fail the step for good, Transient to be called again later. `render`: as the StepContext's.
    `prompt`: the version of its prompt, which outcomes show; None where it has none.
    """

    step: Step[Any, Any]
    execute: Callable[[Any, StepContext], Awaitable[Any]]
    render: Callable[..., Prompt]
    prompt: str | None = None


def executable_of(pattern: Pattern[Any, Any], step: Step[Any, Any], resources: Resources) -> Executable:
    """A step with what its `do`, or its prompt alone, does. Raises Misconfigured where it has neither, or they do not
    fit.
    """
    about = f"step {step.name} of pattern {pattern.name}"
    own = PromptFile.of(pattern, step) if step.do is None or pattern.prompt_of(step).exists() else None

    def render(data: Any, name: str | None = None) -> Prompt:
        file = own if name is None else PromptFile.load(pattern.prompts, name, cast(type[BaseModel], type(data)))
        if file is None:
            raise Misconfigured(f"{about} has no prompt {pattern.prompt_of(step)}")
        return file.render(data)

    version = version_of(own.text, step) if own else None
    if step.do is None:
        return Executable(step, partial(_ask, step), render, version)
    return Executable(step, partial(_checked, step, resources.bind(step.do, about)), render, version)


async def _ask(step: Step[Any, Any], request: Any, context: StepContext) -> Any:
    """Render the step's prompt, ask the model, give its reply."""
    rendered, check = context.render(request), step.check and partial(step.check, request)
    if step.output is str:
        return await context.model.text(rendered, check, stream=True)
    return await context.model.object(rendered, step.output, check, stream=True)


async def _checked(step: Step[Any, Any], do: Callable[..., Awaitable[Any]], request: Any, context: StepContext) -> Any:
    """What `do` gives, once it fits."""
    output = await do(request, context)
    if not isinstance(output, step.output):
        raise TypeError(f"{step.name} returned {type(output).__name__}, where {step.output.__name__} is its output")
    if step.check and (faults := step.check(request, output)):
        raise OutputInvalid("; ".join(faults))
    return output


class NobodyWaits(Exception):
    """The job has ended, or another attempt has written the outcome."""


async def executed(
    executable: Executable, given: BaseModel, context: StepContext, nobody_waits: asyncio.Event, left: float
) -> Any:
    """The executor's output for the step's input, within the seconds that are `left`.

    Raises NobodyWaits as soon as that is so: the model call is closed then.
    """
    if left <= 0:
        raise Failure("deadline_exceeded", "the job's deadline passed before the step began")
    working = asyncio.ensure_future(executable.execute(given, context))
    ending = asyncio.ensure_future(nobody_waits.wait())
    try:
        await asyncio.wait((working, ending), timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        if ending.done():
            raise NobodyWaits
        raise Failure("deadline_exceeded", "the job's deadline passed during the step")
    finally:
        await stop(working, ending)


def parsed(message: Msg, executables: Mapping[str, Executable]) -> tuple[StepMessage, BaseModel]:
    """A step message with its step's input.

    Raises ValueError for what does not fit, or is for another step than the subject says.
    """
    try:
        request = StepMessage.model_validate_json(message.data)
        _, *named = subjects.of_step(message.subject)
        if [request.pattern, request.step, JobName(request.tenant, request.job), request.key] != named:
            raise ValueError(f"the message on {message.subject} is for another step")
        return request, executables[f"{request.pattern}/{request.step}"].step.input.model_validate(request.input)
    except ValidationError as error:
        raise ValueError(f"the step message does not fit: {summary(field_errors(error.errors()))}") from error
