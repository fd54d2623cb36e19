"""The tools a model may call, as contracts: what each is told to be, takes and gives. A call is a step of its own.

What does them is in `penstock.tools`; nothing of it is needed to offer a tool to a model or to run a pattern.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field

from penstock.contracts.step import Step
from penstock.contracts.wire import Wire

In = TypeVar("In", bound=BaseModel)
Out = TypeVar("Out", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Tool(Generic[In, Out]):
    """A tool. Its step fails where it has no result; the failure's detail is for the model to read."""

    #: As the model calls it.
    name: str
    #: When to use it and how, in words for the model; the fields of the step's input have descriptions too.
    description: str
    step: Step[In, Out]
    #: The call and its result as a reader of the solution sees them.
    asked: Callable[[In], str]
    answered: Callable[[Out], str]


class CalculateInput(Wire):
    expression: str = Field(
        min_length=1,
        max_length=10_000,
        description="What to compute, such as `sqrt(3^2 + 4^2)`, `15% of 80` or `12.7 cm to inch`; "
        "or what to solve, such as `2x + 3 = 11` or `x + y = 3; x - y = 1`.",
    )


class CalculateOutput(Wire):
    expression: str
    result: str


class ValidateAnswerInput(Wire):
    original_problem: str = Field(min_length=1, max_length=10_000, description="The problem, with all its numbers.")
    proposed_answer: str = Field(min_length=1, max_length=10_000, description="The answer to check, such as `x = 4`.")
    validation_method: str = Field(
        max_length=1_000, description="How you would check it: substitution, recomputation or another route."
    )


class ValidateAnswerOutput(Wire):
    #: None: it could not be decided.
    is_valid: bool | None
    #: The method that was really used.
    method: str
    evidence: str


_VERDICTS: dict[bool | None, str] = {True: "valid", False: "invalid", None: "undecided"}

CALCULATE = Tool(
    name="calculate",
    description="Computes exactly: arithmetic, percentages, powers, roots, factorials, trigonometry (`sin(45 deg)`), "
    "logarithms, complex numbers, matrices, units, and the solutions of equations. One problem in each call.",
    step=Step(name="calculate", input=CalculateInput, output=CalculateOutput),
    asked=lambda call: call.expression,
    answered=lambda output: output.result,
)
VALIDATE_ANSWER = Tool(
    name="validateAnswer",
    description="Checks an answer to the problem by substituting it or by computing it another way. It says valid, "
    "invalid, or that it could not decide, and why.",
    step=Step(name="validate-answer", input=ValidateAnswerInput, output=ValidateAnswerOutput),
    asked=lambda call: f"check {call.proposed_answer}",
    answered=lambda output: f"{_VERDICTS[output.is_valid]} ({output.method}): {output.evidence}",
)

#: All tools by the names models call them by.
TOOLS: dict[str, Tool[Any, Any]] = {tool.name: tool for tool in (CALCULATE, VALIDATE_ANSWER)}
