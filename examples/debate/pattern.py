"""Debate: two advocates speak at the same time, answer each other, and a judge decides.

           ┌──▶ ARGUE for it ──────┐
motion ──▶─┤                       ├──▶ another round? ──no──▶ JUDGE ──▶ result
    ▲      └──▶ ARGUE against it ──┘          │ yes: each has heard the other
    └─────────────────────────────────────────┘
"""

import asyncio
from collections.abc import Awaitable
from typing import Literal

from pydantic import Field

from penstock import Options, Pattern, PatternRequest, Run, Step, Wire

Side = Literal["pro", "contra"]


class DebateOptions(Options):
    rounds: int = Field(default=2, ge=1, le=5, description="How often each side speaks.")


class DebateRequest(PatternRequest):
    motion: str = Field(min_length=1, max_length=10_000, description="A claim that one can be for or against.")
    options: DebateOptions = DebateOptions()


class Round(Wire):
    pro: str
    contra: str


class Verdict(Wire):
    winner: Literal["pro", "contra", "undecided"]
    reasoning: str
    open_questions: tuple[str, ...]


class DebateResult(Wire):
    rounds: tuple[Round, ...]
    verdict: Verdict


class ArgueInput(Wire):
    motion: str
    side: Side
    heard: tuple[Round, ...]


class JudgeInput(Wire):
    motion: str
    rounds: tuple[Round, ...]


ARGUE = Step(name="argue", input=ArgueInput, output=str, complexity="complex")
JUDGE = Step(name="judge", input=JudgeInput, output=Verdict, complexity="complex")


async def debate(run: Run, request: DebateRequest) -> DebateResult:
    rounds: list[Round] = []

    def argue(side: Side, number: int) -> Awaitable[str]:
        given = ArgueInput(motion=request.motion, side=side, heard=tuple(rounds))
        return run.step(ARGUE, given, into=f"/rounds/{number - 1}/{side}", key=f"{side}-{number}")

    for number in range(1, request.options.rounds + 1):
        pro, contra = await asyncio.gather(argue("pro", number), argue("contra", number))
        rounds.append(Round(pro=pro, contra=contra))
    run.close("/rounds")
    verdict = await run.step(JUDGE, JudgeInput(motion=request.motion, rounds=tuple(rounds)), into="/verdict")
    return DebateResult(rounds=tuple(rounds), verdict=verdict)


PATTERN = Pattern(
    name="debate",
    summary="Have a claim argued for and against, and judged.",
    run=debate,
    request=DebateRequest,
    result=DebateResult,
    steps=(ARGUE, JUDGE),
    example=DebateRequest(motion="Small teams should write their services in one language"),
)
