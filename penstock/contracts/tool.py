"""A tool: a step that a model may ask for, and how it is described to it."""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, Generic, TypeVar, get_type_hints

from pydantic import BaseModel
from pydantic_core import to_json

from penstock.contracts.step import Step

In = TypeVar("In", bound=BaseModel)
Out = TypeVar("Out")


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What a model is told of a tool, where no model of pydantic says it. `parameters`: JSON Schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


def as_text(value: object) -> str:
    """Text as it is, all else as JSON by its wire names."""
    return value if isinstance(value, str) else to_json(value, by_alias=True, exclude_none=True).decode()


@dataclass(frozen=True, kw_only=True)
class Tool(Generic[In, Out]):
    """What a model is offered. Each call is a step of the job: journaled, and in a queue of its own."""

    #: As models call it, and as it is written on the wire.
    name: str
    #: When to use it and how, for the model; the fields of the step's input have descriptions too.
    description: str
    #: Does it. What is wrong with the input is said in the output; a Transient is raised only if the tool itself
    #: does not work.
    step: Step[In, Out]
    #: The call and its result as a reader of the solution sees them.
    asked: Callable[[In], str] = as_text
    answered: Callable[[Out], str] = as_text


def tool(
    *, name: str | None = None, description: str | None = None, **step: Any
) -> Callable[[Callable[Concatenate[In, ...], Awaitable[Out]]], Tool[In, Out]]:
    """Makes an async function of a pydantic model a Tool.

    `days_between` is called `daysBetween`, and its step `days-between`. The description is its docstring, if none is
    given. `step`: more of what a Step takes, say `service` or `slots`. Raises TypeError for a function whose input
    is no model or that does not say what it returns, or that has no description.
    """

    def made(do: Callable[Concatenate[In, ...], Awaitable[Out]]) -> Tool[In, Out]:
        words = do.__name__.strip("_").split("_")
        hints = get_type_hints(do, include_extras=True)
        given = hints.get(next(iter(inspect.signature(do).parameters), ""))
        where = f"the tool {do.__name__} ({inspect.getsourcefile(do)}:{do.__code__.co_firstlineno})"
        if not inspect.iscoroutinefunction(do):
            raise TypeError(f"{where} is no async function")
        if not (isinstance(given, type) and issubclass(given, BaseModel)):
            raise TypeError(f"{where}: its first parameter needs the annotation of a pydantic model, not {given!r}")
        output = hints.get("return")
        if not (isinstance(output, type) and issubclass(output, BaseModel | str)):
            raise TypeError(f"{where}: it needs to say that it returns a pydantic model, or str, not {output!r}")
        said = description or inspect.getdoc(do)
        if not said:
            raise TypeError(f"{where}: it needs a description, or a docstring, by which the model knows when to use it")
        called = name or words[0] + "".join(word.title() for word in words[1:])
        done_by: Any = {"name": _kebab(called), "input": given, "output": output, "do": do, **step}
        return Tool(name=called, description=said, step=Step(**done_by))

    return made


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9-]+", "-", name).strip("-").lower()
