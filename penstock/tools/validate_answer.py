"""`validateAnswer`: checks an answer against what it is given to check it with, and never reads prose."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from penstock.contracts.step import Step
from penstock.contracts.tool import Tool
from penstock.contracts.wire import Wire
from penstock.tools.sandbox import CHILDREN, MAX_CHARACTERS, Opened, SandboxRefused

Notation = Annotated[str, StringConstraints(max_length=MAX_CHARACTERS)]


class ValidateAnswerInput(Wire):
    original_problem: str = Field(description="The problem in its own words, for the record.")
    proposed_answer: Notation = Field(
        description="The answer alone, in the notation of calculate, with its unit: `8.047 km`, `25%`, `[1, 2]`; "
        "or the unknowns: `x = 6, y = 4`, `x = 2 or x = 3`. No sentence, no currency: 72.25 euros is `72.25`. Digits "
        "matter: `3.14` is right for a value that rounds to it."
    )
    validation_method: str = Field(default="", description="How you check it, in a few words, for the record.")
    expression: Notation = Field(
        default="",
        description="Computes the answer anew from the problem's numbers and their units, another way than before if "
        "there is one: `5 mile`, `80 * 0.85 * 1.19`, `derivative('x^3', 'x')`. Names stand for `variables`. The answer "
        "itself proves nothing.",
    )
    equations: tuple[Notation, ...] = Field(
        default=(),
        max_length=20,
        description="What the answer must satisfy, as the problem has it: `2*x + 3 = 11`, `x + y = 10`, `x > 0`. "
        "One that other values satisfy too proves nothing.",
    )
    variables: dict[str, int | float | Notation] = Field(
        default_factory=dict,
        max_length=50,
        description="Values of other names in `expression` and `equations`, from the problem: numbers, or texts with a "
        "unit such as `60 km/h`.",
    )


class ValidateAnswerOutput(Wire):
    """`is_valid` is None if `verdict` is inconclusive; `confidence` is 0 then, and 1 only if nothing was rounded."""

    verdict: Literal["valid", "invalid", "inconclusive"]
    is_valid: bool | None
    confidence: float = Field(ge=0, le=1)
    #: What was really done, not what was asked for.
    method: Literal["substitution", "recomputation", "numeric_sampling", "none"]
    #: The reason, with the numbers.
    evidence: str


async def validate_answer(request: ValidateAnswerInput, sandbox: Opened) -> ValidateAnswerOutput:
    """Whatever the input, an output within the sandbox's time limit; never valid by a check that any answer passes."""
    given = {
        "proposedAnswer": request.proposed_answer,
        "expression": request.expression,
        "equations": request.equations,
        # as the model wrote them, but for whole numbers: 4.0 has no digit to round to
        "variables": {
            name: str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
            for name, value in request.variables.items()
        },
    }
    try:
        found = await sandbox.run("validate", given)
    except SandboxRefused as reason:
        found = {"verdict": "inconclusive", "confidence": 0, "method": "none", "evidence": str(reason)}
    return ValidateAnswerOutput(is_valid={"valid": True, "invalid": False}.get(found["verdict"]), **found)


VALIDATE_ANSWER = Tool(
    name="validateAnswer",
    description="Checks an answer by mathematics: computes `expression` anew and compares, or puts the answer into "
    "`equations`. Always give at least one of the two; without them, and for words, it is inconclusive. "
    "Says valid, invalid or inconclusive, with the reason and the numbers.",
    step=Step(
        name="validate-answer",
        input=ValidateAnswerInput,
        output=ValidateAnswerOutput,
        do=validate_answer,
        slots=CHILDREN,
    ),
    asked=lambda call: f"check {call.proposed_answer}",
    answered=lambda output: f"{output.verdict} ({output.method}): {output.evidence}",
)
