"""Routing: one cheap look decides who answers.

query ──▶ CLASSIFY ──▶ RESPOND as that specialist ──▶ answer
"""

from penstock.pattern import Pattern, Run
from penstock.patterns.routing.contract import (
    CLASSIFY,
    RESPOND,
    ClassifyInput,
    RespondInput,
    RoutingRequest,
    RoutingResult,
)


async def routing(run: Run, request: RoutingRequest) -> RoutingResult:
    classification = await run.step(CLASSIFY, ClassifyInput(query=request.query), into="/classification")
    answer = await run.step(
        RESPOND,
        RespondInput(query=request.query, classification=classification),
        into="",
        complexity=classification.complexity,
    )
    return RoutingResult(
        classification=classification,
        response=answer.response,
        next_steps=answer.next_steps,
        estimated_resolution_time=answer.estimated_resolution_time,
    )


PATTERN = Pattern(
    name="routing",
    summary="Classify a query and answer it as the specialist it needs.",
    run=routing,
    request=RoutingRequest,
    result=RoutingResult,
    steps=(CLASSIFY, RESPOND),
    example=RoutingRequest(query="Our API answers 502 errors after the last database deploy. What should we check?"),
)
