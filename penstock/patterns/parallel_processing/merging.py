"""Findings of different reviewers that are one fault, as one.

They are the same if their lines touch and their words do: where that is in doubt they are not, and the synthesis is
left to see it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import get_args

from penstock.patterns.parallel_processing.contract import (
    CodeSmell,
    Finding,
    Findings,
    PerformanceIssue,
    Severity,
    Vulnerability,
)
from penstock.patterns.quoting import bare

#: The worst first.
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
#: What of the words of the shorter one must stand in the other, and how many at least.
_SHARE, _LEAST = 1 / 3, 3
#: Words that tell something: long ones by their beginnings, which take no endings, and abbreviations. In languages
#: written without spaces these are clauses, of which no two are equal.
_WORD = re.compile(r"[^\W\d_]{4,}|[A-Z]{2,}")
_STEM = 6


def merged(reviews: Iterable[Findings]) -> tuple[Finding, ...]:
    """Each fault once, the worst first: what the reviewer says of it who calls it the gravest, the first of equals."""
    found = [one for review in reviews for one in _listed(review)]
    words = {one.id: _words(f"{one.type or ''} {one.description}") for one in found}

    def same(one: Finding, fault: Finding) -> bool:
        shared, fewer = words[one.id] & words[fault.id], min(words[one.id], words[fault.id], key=len)
        touching = one.found_by[0] not in fault.found_by and _touch(one, fault)
        return touching and len(shared) >= max(_LEAST, _SHARE * len(fewer))

    faults: list[Finding] = []
    for one in sorted(found, key=lambda one: SEVERITIES.index(one.severity)):
        if (n := next((n for n, fault in enumerate(faults) if same(one, fault)), None)) is None:
            faults.append(one)
        else:
            fault = faults[n]
            more = {
                "same_as": (*(fault.same_as or ()), one.id),
                "found_by": (*fault.found_by, *one.found_by),
                "suggestion": fault.suggestion or one.suggestion,
            }
            faults[n] = fault.model_copy(update=more)
    return tuple(faults)


def _listed(review: Findings) -> Iterator[Finding]:
    findings: tuple[Vulnerability | PerformanceIssue | CodeSmell, ...] = review.findings
    for number, one in enumerate(findings, start=1):
        told = one.model_dump(exclude={"severity", "impact"})
        yield Finding(id=f"{review.aspect}-{number}", found_by=(review.aspect,), severity=one.severity, **told)


def _words(text: str) -> set[str]:
    return {word.casefold()[:_STEM] for word in _WORD.findall(text)}


def _touch(one: Finding, other: Finding) -> bool:
    """Their lines are the same or follow each other; what no line shows touches nothing."""
    first, second = sorted((one, other), key=lambda place: place.line or 0)
    if not first.line or not second.line:
        return False
    return second.line <= first.line + 1 + bare(first.fragment or "").count("\n")
