"""Routing: one cheap look decides who answers.

query ──▶ CLASSIFY ──▶ confident? ──yes──▶ RESPOND as that specialist ──▶ answer
                           └──no──▶ RESPOND as a generalist ────────────────▲
"""

from penstock.pattern import Pattern, Run
from penstock.patterns.routing import contract
from penstock.patterns.routing.contract import CLASSIFY, RESPOND

#: Below this confidence the generalist answers: better a broad answer than one from the wrong specialist.
CONFIDENT = 0.6


async def routing(run: Run, request: contract.RoutingRequest) -> contract.RoutingResult:
    query = request.query
    classification = await run.step(CLASSIFY, contract.ClassifyInput(query=query), into="/classification")
    specialist = classification.category if classification.confidence >= CONFIDENT else "general"
    run.put("/answeredBy", specialist)
    given = contract.RespondInput(query=query, classification=classification, specialist=specialist)
    answer = await run.step(RESPOND, given, into="", complexity=classification.complexity)
    return contract.RoutingResult(classification=classification, answered_by=specialist, **dict(answer))


PATTERN = Pattern(
    name="routing",
    summary="Classify a query and answer it as the specialist it needs.",
    run=routing,
    request=contract.RoutingRequest,
    result=contract.RoutingResult,
    steps=(CLASSIFY, RESPOND),
    example=contract.RoutingRequest(
        query="Our API answers 502 errors after the last database deploy. What should we check?"
    ),
)
