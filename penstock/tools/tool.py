"""A tool: what a model is told about it, what it takes and gives, and the function that does it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from penstock.contracts.step import Step
from penstock.contracts.wire import Wire
from penstock.tools.sandbox import Sandbox

In = TypeVar("In", bound=Wire)
Out = TypeVar("Out", bound=Wire)
In_contra = TypeVar("In_contra", bound=Wire, contravariant=True)
Out_co = TypeVar("Out_co", bound=Wire, covariant=True)


class ToolFunction(Protocol[In_contra, Out_co]):
    """Answers in its output that the input is at fault; raises SandboxBroken only if the tool itself is."""

    async def __call__(self, request: In_contra, *, sandbox: Sandbox) -> Out_co: ...


@dataclass(frozen=True, kw_only=True)
class Tool(Generic[In, Out]):
    """A row of the table `penstock.tools.TOOLS`. Each call of a tool is a step of its own."""

    #: As models call it, and as it is written on the wire.
    name: str
    #: When to use it and how, for the model; the fields of the step's input have descriptions too.
    description: str
    #: Its input and output, and its token in subjects and queues.
    step: Step[In, Out]
    function: ToolFunction[In, Out]
    #: The call and its result as a reader of the solution sees them.
    asked: Callable[[In], str]
    answered: Callable[[Out], str]

    @property
    def parameters_json_schema(self) -> dict[str, Any]:
        """What Gemini calls `parametersJsonSchema`: the input by its names on the wire."""
        return self.step.input.model_json_schema(by_alias=True)
