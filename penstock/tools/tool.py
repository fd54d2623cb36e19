"""A tool: how it is described to a model, its input and output, and the function that does it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Concatenate, Generic, TypeVar

from penstock.contracts.step import Step
from penstock.contracts.wire import Wire

In = TypeVar("In", bound=Wire)
Out = TypeVar("Out", bound=Wire)


@dataclass(frozen=True, kw_only=True)
class Tool(Generic[In, Out]):
    """A row of the table `penstock.tools.TOOLS`. Each call of a tool is a step of its own."""

    #: As models call it, and as it is written on the wire.
    name: str
    #: When to use it and how, for the model; the fields of the step's input have descriptions too.
    description: str
    #: Its input and output, and its token in subjects and queues.
    step: Step[In, Out]
    #: Called with the input and the keyword `sandbox` (penstock.tools.sandbox.Sandbox). What is wrong with the input is
    #: said in the output; SandboxBroken is raised only if the tool itself does not work.
    function: Callable[Concatenate[In, ...], Awaitable[Out]]
    #: The call and its result as a reader of the solution sees them.
    asked: Callable[[In], str]
    answered: Callable[[Out], str]
