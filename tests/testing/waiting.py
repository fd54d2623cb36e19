"""A pattern that waits for a person, and for an hour when nobody comes."""

from typing import Any

from penstock import Pattern, PatternRequest, Run, Wire
from penstock.errors import WaitTimedOut
from tests.testing import impure


class Decision(Wire):
    approved: bool
    by: str


class Approved(Wire):
    text: str
    approved: bool
    waited: float


async def approval(run: Run, request: PatternRequest) -> Approved:
    begun = await run.now()
    text = await run.step(impure.WRITE, impure.Asked(text="a"), into="/text")
    try:
        decision = await run.wait("approval", Decision, timeout=86_400)
    except WaitTimedOut:
        decision = Decision(approved=False, by="nobody")
        await run.sleep(3_600)
    waited = (await run.now() - begun).total_seconds()
    return Approved(text=text, approved=decision.approved, waited=waited)


def pattern(run: Any = approval, **more: Any) -> Pattern[PatternRequest, Any]:
    return Pattern(
        name="approval",
        summary="",
        run=run,
        request=PatternRequest,
        result=Approved,
        steps=(impure.WRITE,),
        signals={"approval": Decision},
        example=PatternRequest(),
    )
