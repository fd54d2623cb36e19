"""`calculate`: evaluates an expression with mathjs, in a sandbox."""

from pydantic import Field

from penstock.contracts.step import Step
from penstock.contracts.tool import Tool
from penstock.contracts.wire import Wire, omitted
from penstock.tools.sandbox import CHILDREN, MAX_CHARACTERS, Opened, SandboxRefused


class CalculateInput(Wire):
    expression: str = Field(
        description="A mathjs expression, such as `sqrt(3^2 + 4^2)`, `15% * 80`, `80 + 15%` (15 % more), "
        "`12.7 cm to inch`, `det([1, 2; 3, 4])`, `mean([1, 2; 3, 4], 1)` or `r = 5 cm; pi * r^2`."
    )


class CalculateOutput(Wire):
    """`result` if `success`, else `error`."""

    result: str | None = omitted()
    expression: str
    success: bool
    error: str | None = omitted()


async def calculate(request: CalculateInput, sandbox: Opened) -> CalculateOutput:
    """Whatever the expression, an output within the sandbox's time limit."""
    expression = request.expression
    if len(expression) > MAX_CHARACTERS:
        error = f"the expression has {len(expression):,} characters; at most {MAX_CHARACTERS:,} are read"
        return CalculateOutput(expression=expression[:MAX_CHARACTERS] + "…", success=False, error=error)
    try:
        result = await sandbox.run("calculate", {"expression": expression})
        return CalculateOutput(expression=expression, success=True, result=result)
    except SandboxRefused as reason:
        return CalculateOutput(expression=expression, success=False, error=str(reason))


CALCULATE = Tool(
    name="calculate",
    description="Evaluates an expression with mathjs 15: arithmetic, percentages, powers, roots, trigonometry "
    "(`sin(45 deg)`), logarithms, complex numbers, matrices, statistics, probability, units and conversions, "
    "`derivative('x^2', 'x')`, `simplify('2x + 3x')`, `fraction(1, 3)`. It solves no equations as such: rearrange them "
    "yourself, use `polynomialRoot(6, -5, 1)` for the roots of x^2 - 5x + 6 (constant first) or "
    "`lusolve([1, 1; 1, -1], [10; 2])` for a linear system, and check the solution with validateAnswer. "
    "Not available: user-defined units, import, parse, evaluate.",
    step=Step(name="calculate", input=CalculateInput, output=CalculateOutput, do=calculate, slots=CHILDREN),
    asked=lambda call: call.expression,
    answered=lambda output: output.result if output.success and output.result else f"error: {output.error}",
)
