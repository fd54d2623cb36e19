"""Parallel processing: three readers of the same code, none of whom waits for another.

                 ┌──▶ REVIEW_SECURITY ─────────┐
numbered code ───┼──▶ REVIEW_PERFORMANCE ──────┼──▶ each fault once, scores by rule ──▶ SYNTHESIZE ──▶ result
                 └──▶ REVIEW_MAINTAINABILITY ──┘
"""

import asyncio
from typing import TypeVar

from penstock.contracts.step import Step
from penstock.errors import StepFailed
from penstock.pattern import Pattern, Run
from penstock.patterns.parallel_processing import contract
from penstock.patterns.parallel_processing.actions import to_synthesize
from penstock.patterns.parallel_processing.places import numbered
from penstock.patterns.parallel_processing.scoring import score_of, scored
from penstock.patterns.parallel_processing.steps import (
    REVIEW_MAINTAINABILITY,
    REVIEW_PERFORMANCE,
    REVIEW_SECURITY,
    SYNTHESIZE,
)

Found = TypeVar("Found", contract.SecurityFindings, contract.PerformanceFindings, contract.MaintainabilityFindings)


async def parallel_processing(
    run: Run, request: contract.ParallelProcessingRequest
) -> contract.ParallelProcessingResult:
    given = contract.ReviewInput(numbered_code=numbered(request.code))
    missing: list[contract.Aspect] = []

    async def review(step: Step[contract.ReviewInput, Found]) -> Found | None:
        aspect = step.output.aspect
        try:
            found = await run.step(step, given, into=f"/{aspect}/")
        except StepFailed:
            missing.append(aspect)
            if len(missing) == 3 or not request.options.allow_partial:
                raise
            run.put(f"/{aspect}", None)
            return None
        run.put(f"/{aspect}/score", score_of(found))
        return found

    found = await asyncio.gather(review(REVIEW_SECURITY), review(REVIEW_PERFORMANCE), review(REVIEW_MAINTAINABILITY))
    reviews = scored(*found)
    run.put("/findings", reviews.model_dump(mode="json", include={"findings"})["findings"])
    run.put("/overallScore", reviews.overall_score)
    synthesis = await run.step(SYNTHESIZE, to_synthesize(reviews, missing), into="")
    return contract.ParallelProcessingResult(**dict(reviews), **dict(synthesis))


PATTERN = Pattern(
    name="parallel-processing",
    summary="Review code for security, performance and maintainability at once, and draw the reviews together.",
    run=parallel_processing,
    request=contract.ParallelProcessingRequest,
    result=contract.ParallelProcessingResult,
    steps=(REVIEW_SECURITY, REVIEW_PERFORMANCE, REVIEW_MAINTAINABILITY, SYNTHESIZE),
    example=contract.ParallelProcessingRequest(
        code="def find(db, name):\n    return db.execute(f\"SELECT * FROM users WHERE name = '{name}'\").fetchall()\n"
    ),
)
