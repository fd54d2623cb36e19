"""multi-step-tool-usage: solve a problem with tools, then say what was found."""

from typing import Literal

from pydantic import Field

from penstock.contracts.options import Options, PatternRequest
from penstock.contracts.step import Step
from penstock.contracts.wire import Wire, omitted
from penstock.patterns.tool_agent.contract import Called, Work


class MultiStepToolUsageOptions(Options):
    max_turns: int = Field(default=20, ge=1, le=20, description="How often the model may call tools.")


class MultiStepToolUsageRequest(PatternRequest):
    problem: str = Field(min_length=1, max_length=100_000, description="The problem to solve.")
    options: MultiStepToolUsageOptions = Field(default=MultiStepToolUsageOptions(), description="How the job is run.")


class SolutionStep(Called):
    """One call of a tool: why it was made, what was asked, what came back."""

    calculation: str | None = omitted(description="What it was asked.")
    result: str | None = omitted(description="What it answered.")


class Checked(Wire):
    """The last check that `validateAnswer` made: code computed this, no model says it."""

    step: int = Field(description="The number of the step in steps.")
    statement: str = Field(
        description="What the answer was checked against, in words of the model: no code has read the problem."
    )
    in_problem: bool = Field(description="Whether the problem has the statement word for word.")
    answer: str = Field(description="The answer that was checked.")
    verdict: Literal["valid", "invalid", "inconclusive"] = Field(description="What the check says of it.")
    confidence: float = Field(
        description="1 if nothing was rounded, 0.5 if other answers satisfy the statement too, 0 if inconclusive."
    )


class Conclusion(Wire):
    solution: str = Field(description="How the answer is reached, step by step.")
    final_answer: str = Field(description="The answer alone, with its unit.")
    verification: str = Field(description="What was checked against what, and what came of it, in words.")


class Verification(Wire):
    """What code makes of the final answer, whatever the words about it."""

    answer_checked: bool = Field(description="Whether the final answer is the one that was checked.")
    verified: bool = Field(
        description="The final answer was checked and found valid, and no other answer would do as well. Whether what "
        "checks it are the problem's own words, checked.inProblem says."
    )


class Worked(Wire):
    problem: str = Field(description="As it was given.")
    steps: tuple[SolutionStep, ...] = Field(description="The calls of tools, in order.")
    complete: bool = Field(
        description="False if the turns were spent before the model had an answer: the rest says how far it came."
    )
    checked: Checked | None = Field(description="The last check that code made; null if there was none.")


class MultiStepToolUsageResult(Verification, Conclusion, Worked):
    """The steps come before the conclusions that are drawn from them, so that they can stream first."""


class ConcludeInput(Work):
    complete: bool
    checked: Checked | None


CONCLUDE = Step(name="conclude", input=ConcludeInput, output=Conclusion, complexity="complex")
