"""`validateAnswer`: really checks an answer, or says that it could not."""

from typing import Literal

from pydantic import Field

from penstock.contracts.step import Step
from penstock.contracts.wire import Wire
from penstock.tools.sandbox import Sandbox, SandboxExhausted, SandboxRefused
from penstock.tools.tool import Tool


class ValidateAnswerInput(Wire):
    original_problem: str = Field(description="The problem in its own words, with all its numbers and equations.")
    proposed_answer: str = Field(description="The answer to check, such as `x = 2 or x = 3` or `8.047 km`.")
    validation_method: str = Field(
        default="", description="How you would check it. The method that fits the problem is used and reported."
    )


class ValidateAnswerOutput(Wire):
    """`is_valid` None: could not be decided; `confidence` is 0 then, and 1 only for exact reasoning."""

    is_valid: bool | None
    confidence: float = Field(ge=0, le=1)
    #: What was really done, not what was asked for.
    method: Literal["substitution", "recomputation", "numeric_sampling", "none"]
    evidence: str


async def validate_answer(request: ValidateAnswerInput, *, sandbox: Sandbox) -> ValidateAnswerOutput:
    """Whatever the texts, an output within the sandbox's time limit; never valid without a check."""
    try:
        verdict = await sandbox.run(
            "validate", {"problem": request.original_problem, "answer": request.proposed_answer}
        )
    except (SandboxRefused, SandboxExhausted) as reason:
        return ValidateAnswerOutput(is_valid=None, confidence=0, method="none", evidence=f"not decided: {reason}")
    return ValidateAnswerOutput(
        is_valid=verdict["valid"],
        confidence=verdict["confidence"],
        method=verdict["method"],
        evidence=verdict["evidence"],
    )


_VERDICTS: dict[bool | None, str] = {True: "valid", False: "invalid", None: "undecided"}

VALIDATE_ANSWER = Tool(
    name="validateAnswer",
    description="Checks an answer: substitutes it into the problem's equations, computes the value again, or compares "
    "expressions at sample points. Says valid, invalid (with the numbers that show it), or null if undecided.",
    step=Step(name="validate-answer", input=ValidateAnswerInput, output=ValidateAnswerOutput),
    function=validate_answer,
    asked=lambda call: f"check {call.proposed_answer}",
    answered=lambda output: f"{_VERDICTS[output.is_valid]} ({output.method}): {output.evidence}",
)
