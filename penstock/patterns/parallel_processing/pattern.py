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
from penstock.patterns.parallel_processing import contract

Review = TypeVar("Review", bound=BaseModel)


async def parallel_processing(
    run: Run, request: contract.ParallelProcessingRequest
) -> contract.ParallelProcessingResult:
    missing: list[contract.Aspect] = []

    async def review(step: Step[contract.ReviewInput, Review], aspect: contract.Aspect) -> Review | None:
        try:
            return await run.step(step, contract.ReviewInput(code=request.code), into=f"/{aspect}")
        except StepFailed:
            missing.append(aspect)
            if len(missing) == 3 or not request.options.allow_partial:
                raise
            run.put(f"/{aspect}", None)
            return None

    security, performance, maintainability = await asyncio.gather(
        review(contract.REVIEW_SECURITY, "security"),
        review(contract.REVIEW_PERFORMANCE, "performance"),
        review(contract.REVIEW_MAINTAINABILITY, "maintainability"),
    )
    reviews = contract.Reviews(security=security, performance=performance, maintainability=maintainability)
    given = contract.SynthesizeInput(**dict(reviews), missing=tuple(sorted(missing)))
    synthesis = await run.step(contract.SYNTHESIZE, given, into="")
    return contract.ParallelProcessingResult(**dict(reviews), **dict(synthesis))


PATTERN = Pattern(
    name="parallel-processing",
    summary="Review code for security, performance and maintainability at once, and draw the reviews together.",
    run=parallel_processing,
    request=contract.ParallelProcessingRequest,
    result=contract.ParallelProcessingResult,
    steps=(contract.REVIEW_SECURITY, contract.REVIEW_PERFORMANCE, contract.REVIEW_MAINTAINABILITY, contract.SYNTHESIZE),
    example=contract.ParallelProcessingRequest(
        code="def find(db, name):\n    return db.execute(f\"SELECT * FROM users WHERE name = '{name}'\").fetchall()\n"
    ),
)
