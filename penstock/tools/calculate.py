"""`calculate`: evaluates what a user of mathjs would type, in a sandboxed process, without `eval`."""

from pydantic import Field

from penstock.contracts.step import Step
from penstock.contracts.wire import Wire, omitted
from penstock.tools.maths.limits import MAX_CHARACTERS
from penstock.tools.sandbox import Sandbox, SandboxExhausted, SandboxRefused
from penstock.tools.tool import Tool


class CalculateInput(Wire):
    expression: str = Field(
        description="What to compute, such as `sqrt(3^2 + 4^2)`, `15% of 80`, `12.7 cm to inch` or "
        "`det([[1, 2], [3, 4]])`; or what to solve, such as `2x + 3 = 11` or `x + y = 3; x - y = 1`."
    )


class CalculateOutput(Wire):
    """`result` if `success`, else `error`."""

    result: str | None = omitted()
    expression: str
    success: bool
    error: str | None = omitted()


async def calculate(request: CalculateInput, *, sandbox: Sandbox) -> CalculateOutput:
    """Whatever the expression, an output within the sandbox's time limit."""
    expression = request.expression
    if len(expression) > MAX_CHARACTERS:
        error = f"the expression has {len(expression):,} characters; at most {MAX_CHARACTERS:,} are read"
        return CalculateOutput(expression=expression[:MAX_CHARACTERS] + "…", success=False, error=error)
    try:
        result = await sandbox.run("calculate", {"expression": expression})
    except (SandboxRefused, SandboxExhausted) as reason:
        return CalculateOutput(expression=expression, success=False, error=str(reason))
    return CalculateOutput(expression=expression, success=True, result=result)


CALCULATE = Tool(
    name="calculate",
    description="Computes exactly, in the notation of mathjs: arithmetic, percentages, powers, roots, factorials, "
    "trigonometry (`sin(45 deg)`), logarithms, complex numbers, matrices, statistics, units and conversions, "
    "derivatives, and the solutions of equations and systems. One problem in each call.",
    step=Step(name="calculate", input=CalculateInput, output=CalculateOutput),
    function=calculate,
    asked=lambda call: call.expression,
    answered=lambda output: output.result if output.success and output.result else f"error: {output.error}",
)
