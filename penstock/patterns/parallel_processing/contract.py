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
    options: ParallelProcessingOptions = Field(default=ParallelProcessingOptions(), description="How the job is run.")


class Located(Wire):
    """Where the code shows a finding: both members, or neither where no single line does."""

    line: int | None = omitted(description="The number before the line that shows it.")
    fragment: str | None = omitted(description="What shows it, copied from that line without the number.")


class Vulnerability(Located):
    type: str = Field(description="Its kind, such as SQL injection.")
    description: str = Field(description="What an attacker could do, and what for that must be true.")
    severity: Severity = Field(description="By what an attacker gains, and needs for it.")


class PerformanceIssue(Located):
    type: str = Field(description="Its kind, such as repeated work.")
    description: str = Field(description="What costs time or memory, and when.")
    suggestion: str = Field(description="What removes it.")
    impact: Level = Field(description="By what users notice of it.")

    @property
    def severity(self) -> Severity:
        return self.impact


class CodeSmell(Located):
    description: str = Field(description="What it is, and what it makes harder.")
    severity: Level = Field(description="By what it does to a change.")


class SecurityFindings(Wire):
    aspect: ClassVar[Aspect] = "security"

    vulnerabilities: tuple[Vulnerability, ...] = Field(max_length=100, description="The worst first.")
    recommendations: tuple[str, ...] = Field(description="Changes that close them, the most effective first.")

    @property
    def findings(self) -> tuple[Vulnerability, ...]:
        return self.vulnerabilities

    @property
    def advice(self) -> tuple[str, ...]:
        return self.recommendations


class PerformanceFindings(Wire):
    aspect: ClassVar[Aspect] = "performance"

    issues: tuple[PerformanceIssue, ...] = Field(max_length=100, description="The most expensive first.")
    optimizations: tuple[str, ...] = Field(description="Gains where nothing is wrong.")

    @property
    def findings(self) -> tuple[PerformanceIssue, ...]:
        return self.issues

    @property
    def advice(self) -> tuple[str, ...]:
        return self.optimizations


class MaintainabilityFindings(Wire):
    aspect: ClassVar[Aspect] = "maintainability"

    code_smells: tuple[CodeSmell, ...] = Field(max_length=100, description="The worst first.")
    suggestions: tuple[str, ...] = Field(description="The smallest changes that help most, in order.")
    complexity: Level = Field(description="As a reader meets it.")

    @property
    def findings(self) -> tuple[CodeSmell, ...]:
        return self.code_smells

    @property
    def advice(self) -> tuple[str, ...]:
        return self.suggestions


#: What a reviewer says. It gives no score: `scoring.py` computes that from what was found.
Findings = SecurityFindings | PerformanceFindings | MaintainabilityFindings


class SecurityReview(SecurityFindings):
    score: Score = Field(description="10 less the points of its findings, capped by the worst.")


class PerformanceReview(PerformanceFindings):
    score: Score = Field(description="10 less the points of its findings, capped by the worst.")


class MaintainabilityReview(MaintainabilityFindings):
    score: Score = Field(description="10 less the points of its findings, capped by the worst.")


class Reviews(Wire):
    """A review is null exactly if it failed and `options.allowPartial` let the job go on without it."""

    security: SecurityReview | None = Field(description="Null if it failed.")
    performance: PerformanceReview | None = Field(description="Null if it failed.")
    maintainability: MaintainabilityReview | None = Field(description="Null if it failed.")


class Action(Wire):
    action: str = Field(description="One change.")
    addresses: tuple[str, ...] = Field(description="The ids of the findings that it removes.")
    priority: Severity = Field(description="At least that of the worst finding it addresses.")
    effort: Level = Field(description="low: an hour, medium: a day, high: longer.")


class Synthesis(Wire):
    summary: str = Field(description="What state the code is in, and what matters most.")
    prioritized_actions: tuple[Action, ...] = Field(description="The most urgent first.")


class Finding(Located):
    """A fault, whoever found it, in the words of the reviewer who calls it the gravest."""

    id: str = Field(description="The review it stands in, and its place there from 1, such as security-1.")
    same_as: tuple[str, ...] | None = omitted(description="Ids of the same fault in other reviews.")
    found_by: tuple[Aspect, ...] = Field(description="The reviews that have it.")
    severity: Severity = Field(description="The gravest that one of them gives it.")
    type: str | None = omitted(description="Its kind.")
    description: str = Field(description="What it is.")
    suggestion: str | None = omitted(description="What removes it.")


class Scored(Reviews):
    findings: tuple[Finding, ...] = Field(description="What all reviews found, each fault once, the worst first.")
    overall_score: Score = Field(description="The mean of the reviews, capped by the worst finding of all.")


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
