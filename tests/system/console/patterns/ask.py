"""Somebody is asked, and no model.

question ──▶ wait for the answer ──▶ answer
"""

from penstock import Pattern, PatternRequest, Run, Wire


class AskRequest(PatternRequest):
    question: str


class Answer(Wire):
    answer: str
    notes: dict[str, str]


async def ask(run: Run, request: AskRequest) -> Answer:
    return await run.wait("answer", Answer, timeout=3600)


PATTERN = Pattern(
    name="ask",
    summary="Ask somebody.",
    run=ask,
    request=AskRequest,
    result=Answer,
    steps=(),
    signals={"answer": Answer},
    example=AskRequest(question="May I?"),
)
