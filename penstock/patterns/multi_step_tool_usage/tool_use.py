"""One call of a tool: a step if it fits a tool, and otherwise an error that the model can act on."""

from dataclasses import dataclass

from pydantic import JsonValue, ValidationError

from penstock.contracts.turns import ToolCall, ToolResult
from penstock.errors import StepFailed
from penstock.pattern import Run
from penstock.tools import TOOLS


@dataclass(frozen=True)
class Use:
    """What became of a call. `asked` (None where the call fits no tool) and `answered` are for the reader."""

    asked: str | None
    answered: str
    #: For the model. An error is an answer to it like any other.
    result: ToolResult


async def use(run: Run, call: ToolCall, *, key: str) -> Use:
    """Have the call done as the step `key`. Whatever is wrong with the call, or goes wrong in the tool, is told."""
    tool = TOOLS.get(call.name)
    if tool is None:
        return _error(call, None, f"there is no tool {call.name[:100]!r}; there are {', '.join(TOOLS)}")
    try:
        given = tool.step.input.model_validate(call.args)
    except ValidationError as unfit:
        return _error(call, None, f"the arguments do not fit {tool.name}: {_named(unfit)}")
    try:
        output = await run.step(tool.step, given, key=key)
    except StepFailed as failure:
        return _error(call, tool.asked(given), failure.detail)
    return Use(tool.asked(given), tool.answered(output), _result(call, output.model_dump(mode="json")))


def _error(call: ToolCall, asked: str | None, detail: str) -> Use:
    return Use(asked, f"error: {detail}", _result(call, {"error": detail}))


def _result(call: ToolCall, output: dict[str, JsonValue]) -> ToolResult:
    return ToolResult(id=call.id, name=call.name, output=output)


def _named(unfit: ValidationError) -> str:
    errors = unfit.errors(include_url=False, include_input=False, include_context=False)[:5]
    return "; ".join(f"{'.'.join(map(str, error['loc']))[:100]}: {error['msg']}" for error in errors)
