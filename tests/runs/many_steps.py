"""A pattern with as many steps as it is asked for."""

import asyncio

from penstock import Pattern, PatternRequest, Run, Step, Wire


class CountRequest(PatternRequest):
    steps: int


class CountResult(Wire):
    total: int


class Given(Wire):
    number: int


class Counted(Wire):
    number: int


async def _count(given: Given) -> Counted:
    return Counted(number=given.number)


COUNT = Step(name="count", input=Given, output=Counted, do=_count)


async def count(run: Run, request: CountRequest) -> CountResult:
    slots = asyncio.Semaphore(run.fan_out)

    async def one(number: int) -> int:
        async with slots:
            return (await run.step(COUNT, Given(number=number), key=f"count-{number}")).number

    return CountResult(total=sum(await asyncio.gather(*map(one, range(request.steps)))))


PATTERN = Pattern(
    name="count",
    summary="Count.",
    run=count,
    request=CountRequest,
    result=CountResult,
    steps=(COUNT,),
    example=CountRequest(steps=3),
)
