"""Parallel processing: three readers of the same code, none of whom waits for another.

        ┌──▶ REVIEW_SECURITY ─────────┐
code ───┼──▶ REVIEW_PERFORMANCE ──────┼──▶ SYNTHESIZE ──▶ result
        └──▶ REVIEW_MAINTAINABILITY ──┘
"""

import asyncio
from typing import TypeVar

from pydantic import BaseModel

from penstock.contracts.step import Step
from penstock.errors import StepFailed
from penstock.pattern import Pattern, Run
from penstock.patterns.parallel_processing.contract import (
    REVIEW_MAINTAINABILITY,
    REVIEW_PERFORMANCE,
    REVIEW_SECURITY,
    SYNTHESIZE,
    Aspect,
    ParallelProcessingRequest,
    ParallelProcessingResult,
    ReviewInput,
    SynthesizeInput,
)

Review = TypeVar("Review", bound=BaseModel)


async def parallel_processing(run: Run, request: ParallelProcessingRequest) -> ParallelProcessingResult:
    missing: list[Aspect] = []

    async def review(step: Step[ReviewInput, Review], aspect: Aspect) -> Review | None:
        try:
            return await run.step(step, ReviewInput(code=request.code), into=f"/{aspect}")
        except StepFailed:
            missing.append(aspect)
            if len(missing) == 3 or not request.options.allow_partial:
                raise
            run.put(f"/{aspect}", None)
            return None

    security, performance, maintainability = await asyncio.gather(
        review(REVIEW_SECURITY, "security"),
        review(REVIEW_PERFORMANCE, "performance"),
        review(REVIEW_MAINTAINABILITY, "maintainability"),
    )
    synthesis = await run.step(
        SYNTHESIZE,
        SynthesizeInput(
            security=security,
            performance=performance,
            maintainability=maintainability,
            missing=tuple(sorted(missing)),
        ),
        into="",
    )
    return ParallelProcessingResult(
        security=security,
        performance=performance,
        maintainability=maintainability,
        overall_score=synthesis.overall_score,
        summary=synthesis.summary,
        prioritized_actions=synthesis.prioritized_actions,
    )


PATTERN = Pattern(
    name="parallel-processing",
    summary="Review code for security, performance and maintainability at once, and draw the reviews together.",
    run=parallel_processing,
    request=ParallelProcessingRequest,
    result=ParallelProcessingResult,
    steps=(REVIEW_SECURITY, REVIEW_PERFORMANCE, REVIEW_MAINTAINABILITY, SYNTHESIZE),
    example=ParallelProcessingRequest(
        code="def find(db, name):\n    return db.execute(f\"SELECT * FROM users WHERE name = '{name}'\").fetchall()\n"
    ),
)
