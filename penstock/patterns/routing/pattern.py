"""Routing: one cheap look decides who answers.

query ──▶ CLASSIFY ──▶ RESPOND as that specialist ──▶ answer
"""

from penstock.pattern import Pattern, Run
from penstock.patterns.routing import contract
from penstock.patterns.routing.contract import CLASSIFY, RESPOND


async def routing(run: Run, request: contract.RoutingRequest) -> contract.RoutingResult:
    query = request.query
    classification = await run.step(CLASSIFY, contract.ClassifyInput(query=query), into="/classification")
    given = contract.RespondInput(query=query, classification=classification)
    answer = await run.step(RESPOND, given, into="", complexity=classification.complexity)
    return contract.RoutingResult(classification=classification, **dict(answer))


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
