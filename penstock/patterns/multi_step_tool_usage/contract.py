"""multi-step-tool-usage: solve a problem with tools, then say what was found."""

from pydantic import Field

from penstock.contracts.options import Options, PatternRequest
from penstock.contracts.step import Step
from penstock.contracts.turns import Turn
from penstock.contracts.wire import Wire, omitted


class MultiStepToolUsageOptions(Options):
    max_turns: int = Field(default=20, ge=1, le=20, description="How often the model is asked before the job fails.")


class MultiStepToolUsageRequest(PatternRequest):
    problem: str = Field(min_length=1, max_length=100_000, description="The problem to solve.")
    options: MultiStepToolUsageOptions = MultiStepToolUsageOptions()


class SolutionStep(Wire):
    """One call of a tool, numbered from 1: why it was made, what was asked, what came back."""

    step: int
    description: str
    calculation: str | None = omitted()
    result: str | None = omitted()


class Conclusion(Wire):
    solution: str
    final_answer: str
    verification: str


class MultiStepToolUsageResult(Wire):
    """The steps come before the conclusions that are drawn from them, so that they can stream first."""

    problem: str
    steps: tuple[SolutionStep, ...]
    solution: str
    final_answer: str
    verification: str


class Work(Wire):
    """The problem, and the turns so far: the model's, and the results of the tools it called."""

    problem: str
    transcript: tuple[Turn, ...]


THINK = Step(name="think", input=Work, output=Turn, complexity="complex", thinking="high")
CONCLUDE = Step(name="conclude", input=Work, output=Conclusion, complexity="complex")
