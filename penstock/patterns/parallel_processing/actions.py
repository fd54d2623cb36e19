"""Findings by their ids, and whether the actions are about them."""

from collections.abc import Iterable
from itertools import pairwise

from penstock.patterns.parallel_processing.contract import Aspect, Scored, Synthesis, SynthesizeInput
from penstock.patterns.parallel_processing.merging import SEVERITIES
from penstock.patterns.quoting import shown


def to_synthesize(reviewed: Scored, missing: Iterable[Aspect]) -> SynthesizeInput:
    """What the synthesis is given of the reviews: all that was found, each fault once and with its id."""
    given = [review for review in (reviewed.security, reviewed.performance, reviewed.maintainability) if review]
    return SynthesizeInput(
        findings=reviewed.findings,
        suggestions=tuple(advice for review in given for advice in review.advice),
        overall_score=reviewed.overall_score,
        missing=tuple(sorted(missing)),
    )


def unfit_actions(given: SynthesizeInput, synthesis: Synthesis) -> list[str]:
    """A sentence for each id that there is not, each priority that is too low or out of order, each grave finding
    without an action."""
    ids = {id: one.id for one in given.findings for id in (one.id, *(one.same_as or ()))}
    severities = {one.id: one.severity for one in given.findings}
    faults = _out_of_order(synthesis)
    addressed: set[str] = set()
    for number, action in enumerate(synthesis.prioritized_actions, start=1):
        addressed.update(ids[id] for id in action.addresses if id in ids)
        for id in action.addresses:
            if id not in ids:
                faults.append(f"Action {number} addresses {shown(id)}, and there is no such finding.")
            elif SEVERITIES.index(action.priority) > SEVERITIES.index(severities[ids[id]]):
                faults.append(f"Action {number} has priority {action.priority}; {id} is {severities[ids[id]]}.")
    return faults + [
        f"No action addresses {id}, which is {severity}."
        for id, severity in severities.items()
        if severity in ("critical", "high") and id not in addressed
    ]


def _out_of_order(synthesis: Synthesis) -> list[str]:
    """A sentence for each action that is more urgent than the one before it."""
    said = pairwise(action.priority for action in synthesis.prioritized_actions)
    return [
        f"Action {number} is {later}, behind one that is {earlier}: the most urgent comes first."
        for number, (earlier, later) in enumerate(said, start=2)
        if SEVERITIES.index(later) < SEVERITIES.index(earlier)
    ]
