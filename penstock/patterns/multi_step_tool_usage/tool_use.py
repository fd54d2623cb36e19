"""One call of a tool: a step if it fits a tool, and otherwise an error that the model can act on."""

from pydantic import JsonValue, ValidationError

from penstock.contracts.turns import ToolCall
from penstock.errors import StepFailed
from penstock.pattern import Run
from penstock.tools import TOOLS


async def use(run: Run, call: ToolCall, *, key: str) -> tuple[str | None, str, dict[str, JsonValue]]:
    """Have the call done as the step `key`: what it asked (None where it fits no tool) and what came of it, both for
    the reader, and the output for the model. An error, of the call or in the tool, is an output like any other.
    """
    tool = TOOLS.get(call.name)
    if tool is None:
        return _error(None, f"there is no tool {call.name[:100]!r}; there are {', '.join(TOOLS)}")
    try:
        given = tool.step.input.model_validate(call.args)
    except ValidationError as unfit:
        errors = unfit.errors(include_url=False, include_input=False, include_context=False)[:5]
        named = "; ".join(f"{'.'.join(map(str, error['loc']))[:100]}: {error['msg']}" for error in errors)
        return _error(None, f"the arguments do not fit {tool.name}: {named}")
    try:
        output = await run.step(tool.step, given, key=key)
    except StepFailed as failure:
        return _error(tool.asked(given), failure.detail)
    return tool.asked(given), tool.answered(output), output.model_dump(mode="json")


def _error(asked: str | None, detail: str) -> tuple[str | None, str, dict[str, JsonValue]]:
    return asked, f"error: {detail}", {"error": detail}
