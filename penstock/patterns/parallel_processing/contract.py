"""parallel-processing: three reviews of the same code at once, drawn together."""

from typing import Literal

from pydantic import Field

from penstock.contracts.options import Options, PatternRequest
from penstock.contracts.step import Step
from penstock.contracts.wire import Score, Wire, omitted

Level = Literal["low", "medium", "high"]
Severity = Literal["low", "medium", "high", "critical"]
Aspect = Literal["security", "performance", "maintainability"]


class ParallelProcessingOptions(Options):
    allow_partial: bool = Field(default=False, description="Go on without a review that failed.")


class ParallelProcessingRequest(PatternRequest):
    code: str = Field(min_length=1, max_length=200_000, description="The source code to review.")
    options: ParallelProcessingOptions = ParallelProcessingOptions()


class Vulnerability(Wire):
    type: str
    severity: Severity
    description: str
    line: int | None = omitted()


class SecurityReview(Wire):
    score: Score
    vulnerabilities: tuple[Vulnerability, ...]
    recommendations: tuple[str, ...]


class PerformanceIssue(Wire):
    type: str
    impact: Level
    description: str
    suggestion: str


class PerformanceReview(Wire):
    score: Score
    issues: tuple[PerformanceIssue, ...]
    optimizations: tuple[str, ...]


class MaintainabilityReview(Wire):
    score: Score
    code_smells: tuple[str, ...]
    suggestions: tuple[str, ...]
    complexity: Level


class Action(Wire):
    action: str
    priority: Severity
    effort: Level


class Synthesis(Wire):
    overall_score: Score
    summary: str
    prioritized_actions: tuple[Action, ...]


class Reviews(Wire):
    """A review is null exactly if it failed and `options.allowPartial` let the job go on without it."""

    security: SecurityReview | None
    performance: PerformanceReview | None
    maintainability: MaintainabilityReview | None


class ParallelProcessingResult(Synthesis, Reviews):
    """The reviews, then what was drawn from them."""


class ReviewInput(Wire):
    code: str


class SynthesizeInput(Reviews):
    #: What was not reviewed, because its step failed; sorted.
    missing: tuple[Aspect, ...]


REVIEW_SECURITY = Step(name="review-security", input=ReviewInput, output=SecurityReview, thinking="high")
REVIEW_PERFORMANCE = Step(name="review-performance", input=ReviewInput, output=PerformanceReview)
REVIEW_MAINTAINABILITY = Step(name="review-maintainability", input=ReviewInput, output=MaintainabilityReview)
SYNTHESIZE = Step(name="synthesize", input=SynthesizeInput, output=Synthesis, complexity="complex")
