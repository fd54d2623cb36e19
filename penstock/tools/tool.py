"""A tool: what a model is told about it, what it takes and gives, and the function that does it."""

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

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
    """A row of the table `penstock.tools.TOOLS`."""

    #: As models call it, and as it is written on the wire.
    name: str
    #: Its token in subjects and queues.
    step: str
    #: When to use it and how, for the model.
    description: str
    input: type[In]
    output: type[Out]
    function: ToolFunction[In, Out]

    @property
    def parameters_json_schema(self) -> dict[str, Any]:
        """What Gemini calls `parametersJsonSchema`: the input by its names on the wire."""
        return self.input.model_json_schema(by_alias=True)
