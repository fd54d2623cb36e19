"""A tool: a step that a model may ask for, and how it is described to it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from penstock.contracts.step import Step
from penstock.contracts.wire import Wire

In = TypeVar("In", bound=Wire)
Out = TypeVar("Out", bound=Wire)


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
    asked: Callable[[In], str]
    answered: Callable[[Out], str]
