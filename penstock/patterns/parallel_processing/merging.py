"""Findings of different reviewers that are one fault, as one.

They are the same if their lines touch and their words do, but for the words of the lines: these say what a finding is
about, not what is wrong there. Where that is in doubt they are not the same, and the synthesis is left to see it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import get_args

from penstock.patterns.parallel_processing import contract
from penstock.patterns.parallel_processing.contract import Finding, Findings, Severity
from penstock.patterns.quoting import bare

#: The worst first.
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
#: What of the words of the shorter one must stand in the other, and how many at least.
_SHARE, _LEAST = 1 / 3, 3
#: Words that tell something: long ones by their beginnings, which take no endings, and abbreviations. In languages
#: written without spaces these are clauses, of which no two are equal.
_WORD = re.compile(r"[^\W\d_]{4,}|[A-Z]{2,}")
_STEM = 6
#: Words of English that tell nothing.
_EMPTY = (
    "after also been before could does each every from have here into more must only should some such than that their "
    "them then there these they this those very were what when where which while will with would"
)


def merged(reviews: Iterable[Findings]) -> tuple[Finding, ...]:
    """Each fault once, the worst first: what the reviewer says of it who calls it the gravest, the first of equals."""
    found = [one for review in reviews for one in _listed(review)]
    words = {one.id: _words(f"{one.type or ''} {one.description}") for one in found}
    lines = {one.id: _words(one.fragment or "") for one in found}

    def shared(one: Finding, fault: Finding) -> int:
        """How many words make them the same; 0 where they are not."""
        if one.found_by[0] in fault.found_by or not _touch(one, fault):
            return 0
        code = lines[one.id] | lines[fault.id]
        said, told = words[one.id] - code, words[fault.id] - code
        many = len(said & told)
        return many if many >= max(_LEAST, _SHARE * min(len(said), len(told))) else 0

    faults: list[Finding] = []
    for one in sorted(found, key=lambda one: SEVERITIES.index(one.severity)):
        n = max(range(len(faults)), key=lambda n: shared(one, faults[n]), default=0)
        if not faults or not shared(one, fault := faults[n]):
            faults.append(one)
        else:
            more = {
                "same_as": (*(fault.same_as or ()), one.id),
                "found_by": (*fault.found_by, *one.found_by),
                "suggestion": fault.suggestion or one.suggestion,
            }
            faults[n] = fault.model_copy(update=more)
    return tuple(faults)


def _listed(review: Findings) -> Iterator[Finding]:
    findings: tuple[contract.Vulnerability | contract.PerformanceIssue | contract.CodeSmell, ...] = review.findings
    for number, one in enumerate(findings, start=1):
        told = one.model_dump(exclude={"severity", "impact"})
        yield Finding(id=f"{review.aspect}-{number}", found_by=(review.aspect,), severity=one.severity, **told)


def _words(text: str) -> set[str]:
    found = {word.casefold() for word in _WORD.findall(text)} - set(_EMPTY.split())
    return {word[:_STEM].rstrip("s") for word in found}


def _touch(one: Finding, other: Finding) -> bool:
    """Their lines are the same or follow each other; what no line shows touches nothing."""
    first, second = sorted((one, other), key=lambda place: place.line or 0)
    if not first.line or not second.line:
        return False
    return second.line <= first.line + 1 + bare(first.fragment or "").count("\n")
