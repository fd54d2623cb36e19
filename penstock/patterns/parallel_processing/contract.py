"""parallel-processing: three reviews of the same code at once, drawn together."""

from typing import ClassVar, Literal

from pydantic import Field

from penstock.contracts.options import Options, PatternRequest
from penstock.contracts.wire import Score, Wire, omitted

Level = Literal["high", "medium", "low"]
Severity = Literal["critical", "high", "medium", "low"]
Aspect = Literal["security", "performance", "maintainability"]


class ParallelProcessingOptions(Options):
    allow_partial: bool = Field(default=False, description="Go on without a review that failed.")


class ParallelProcessingRequest(PatternRequest):
    code: str = Field(min_length=1, max_length=200_000, description="The source code to review.")
    options: ParallelProcessingOptions = ParallelProcessingOptions()


class Located(Wire):
    """Where the code shows a finding: both members, or neither where no single line does."""

    line: int | None = omitted(description="The number before the line that shows it.")
    fragment: str | None = omitted(description="What shows it, copied from that line without the number.")


class Vulnerability(Located):
    type: str
    description: str
    severity: Severity


class PerformanceIssue(Located):
    type: str
    description: str
    suggestion: str
    impact: Level

    @property
    def severity(self) -> Severity:
        return self.impact


class CodeSmell(Located):
    description: str
    severity: Level


class SecurityFindings(Wire):
    aspect: ClassVar[Aspect] = "security"

    vulnerabilities: tuple[Vulnerability, ...] = Field(max_length=100)
    recommendations: tuple[str, ...]

    @property
    def findings(self) -> tuple[Vulnerability, ...]:
        return self.vulnerabilities

    @property
    def advice(self) -> tuple[str, ...]:
        return self.recommendations


class PerformanceFindings(Wire):
    aspect: ClassVar[Aspect] = "performance"

    issues: tuple[PerformanceIssue, ...] = Field(max_length=100)
    optimizations: tuple[str, ...]

    @property
    def findings(self) -> tuple[PerformanceIssue, ...]:
        return self.issues

    @property
    def advice(self) -> tuple[str, ...]:
        return self.optimizations


class MaintainabilityFindings(Wire):
    aspect: ClassVar[Aspect] = "maintainability"

    code_smells: tuple[CodeSmell, ...] = Field(max_length=100)
    suggestions: tuple[str, ...]
    complexity: Level

    @property
    def findings(self) -> tuple[CodeSmell, ...]:
        return self.code_smells

    @property
    def advice(self) -> tuple[str, ...]:
        return self.suggestions


#: What a reviewer says. It gives no score: `scoring.py` computes that from what was found.
Findings = SecurityFindings | PerformanceFindings | MaintainabilityFindings


class SecurityReview(SecurityFindings):
    score: Score


class PerformanceReview(PerformanceFindings):
    score: Score


class MaintainabilityReview(MaintainabilityFindings):
    score: Score


class Reviews(Wire):
    """A review is null exactly if it failed and `options.allowPartial` let the job go on without it."""

    security: SecurityReview | None
    performance: PerformanceReview | None
    maintainability: MaintainabilityReview | None


class Action(Wire):
    action: str
    addresses: tuple[str, ...] = Field(description="The ids of the findings that it removes.")
    priority: Severity
    effort: Level


class Synthesis(Wire):
    summary: str
    prioritized_actions: tuple[Action, ...]


class Finding(Located):
    """A fault, whoever found it, in the words of the reviewer who calls it the gravest."""

    id: str = Field(description="The review it stands in, and its place there from 1, such as security-1.")
    same_as: tuple[str, ...] | None = omitted(description="Ids of the same fault in other reviews.")
    found_by: tuple[Aspect, ...] = Field(description="The reviews that have it.")
    severity: Severity = Field(description="The gravest that one of them gives it.")
    type: str | None = omitted()
    description: str
    suggestion: str | None = omitted()


class Scored(Reviews):
    findings: tuple[Finding, ...] = Field(description="What all reviews found, each fault once, the worst first.")
    overall_score: Score


class ParallelProcessingResult(Synthesis, Scored):
    """The reviews with their scores, then what was drawn from them."""


class ReviewInput(Wire):
    #: Each line behind its number, as `places.numbered` writes it.
    numbered_code: str


class SynthesizeInput(Wire):
    findings: tuple[Finding, ...]
    #: What the reviewers recommend beside.
    suggestions: tuple[str, ...]
    overall_score: Score
    #: What was not reviewed, because its step failed; sorted.
    missing: tuple[Aspect, ...]
