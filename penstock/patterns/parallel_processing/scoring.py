"""Scores from findings: what was found counts, not how a model feels about it.

A review begins at 10. Each finding takes off its points, and the worst one caps what is left; 1 is the least.
"""

from collections.abc import Iterable

from pydantic import TypeAdapter

from penstock.patterns.parallel_processing.contract import (
    Findings,
    Level,
    MaintainabilityFindings,
    MaintainabilityReview,
    PerformanceFindings,
    PerformanceReview,
    Reviews,
    Scored,
    SecurityFindings,
    SecurityReview,
    Severity,
)
from penstock.patterns.parallel_processing.merging import merged

POINTS: dict[Severity, float] = {"critical": 4, "high": 2, "medium": 1, "low": 0.3}
CAPS: dict[Severity, float] = {"critical": 3, "high": 6, "medium": 10, "low": 10}
_REVIEW: TypeAdapter[Findings] = TypeAdapter(Findings)
COMPLEXITY: dict[Level, float] = {"high": 2, "medium": 1, "low": 0}


def score_of(found: Findings) -> float:
    """The score of one review, from 1 to 10, to a tenth."""
    severities = [one.severity for one in found.findings]
    points = sum(POINTS[severity] for severity in severities)
    if isinstance(found, MaintainabilityFindings):
        points += COMPLEXITY[found.complexity]
    return round(max(1, min(10 - points, _cap(severities))), 1)


def score_of_review(review: object) -> float:
    """The score of a review in JSON, whichever it is."""
    return score_of(_REVIEW.validate_python(review))


def scored(
    security: SecurityFindings | None,
    performance: PerformanceFindings | None,
    maintainability: MaintainabilityFindings | None,
) -> Scored:
    """The reviews with their scores, of which the overall one is the mean, capped by the worst finding of all; and all
    that they found, each fault once.

    One review at least must be given.
    """
    reviews = Reviews(
        security=security and SecurityReview(**dict(security), score=score_of(security)),
        performance=performance and PerformanceReview(**dict(performance), score=score_of(performance)),
        maintainability=maintainability
        and MaintainabilityReview(**dict(maintainability), score=score_of(maintainability)),
    )
    given = [review for _, review in reviews if review is not None]
    worst = _cap(one.severity for review in given for one in review.findings)
    mean = sum(review.score for review in given) / len(given)
    return Scored(**dict(reviews), findings=merged(given), overall_score=round(min(mean, worst), 1))


def _cap(severities: Iterable[Severity]) -> float:
    return min((CAPS[severity] for severity in severities), default=10)
