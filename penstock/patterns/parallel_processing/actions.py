"""Findings by their ids, and whether the actions are about them."""

from collections.abc import Iterable
from typing import get_args

from penstock.patterns.parallel_processing.contract import Aspect, Finding, Scored, Severity, Synthesis, SynthesizeInput
from penstock.patterns.quoting import shown

#: The worst first.
_SEVERITIES: tuple[Severity, ...] = get_args(Severity)


def to_synthesize(reviewed: Scored, missing: Iterable[Aspect]) -> SynthesizeInput:
    """What the synthesis is given of the reviews: all that was found, each finding with its id."""
    given = [review for review in (reviewed.security, reviewed.performance, reviewed.maintainability) if review]
    return SynthesizeInput(
        findings=tuple(
            Finding(id=f"{review.aspect}-{number}", finding=finding)
            for review in given
            for number, finding in enumerate(review.findings, start=1)
        ),
        suggestions=tuple(advice for review in given for advice in review.advice),
        overall_score=reviewed.overall_score,
        missing=tuple(sorted(missing)),
    )


def unfit_actions(given: SynthesizeInput, synthesis: Synthesis) -> list[str]:
    """A sentence for each id that there is not, each priority that is too low, each grave finding without an action."""
    severities = {one.id: one.finding.severity for one in given.findings}
    faults: list[str] = []
    addressed: set[str] = set()
    for number, action in enumerate(synthesis.prioritized_actions, start=1):
        addressed.update(action.addresses)
        for id in action.addresses:
            if id not in severities:
                faults.append(f"Action {number} addresses {shown(id)}, and there is no such finding.")
            elif _SEVERITIES.index(action.priority) > _SEVERITIES.index(severities[id]):
                faults.append(f"Action {number} has priority {action.priority}; {id} is {severities[id]}.")
    return faults + [
        f"No action addresses {id}, which is {severity}."
        for id, severity in severities.items()
        if severity in ("critical", "high") and id not in addressed
    ]
