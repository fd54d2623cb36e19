"""Patterns with a mistake each, such as their replays bring to light."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from penstock import Pattern, PatternRequest, Run, Step, Wire


class Asked(Wire):
    text: str
    at: float | None = None


class Words(Wire):
    words: tuple[str, ...]


async def write(asked: Asked) -> str:
    return f"about {asked.text}"


WRITE = Step(name="write", input=Asked, output=str, do=write)
JUDGE = Step(name="judge", input=Asked, output=str, do=write)


def pattern(run: Callable[[Run, PatternRequest], Awaitable[Words]], **more: Any) -> Pattern[PatternRequest, Words]:
    return Pattern(
        name=run.__name__.replace("_", "-"),
        summary="",
        run=run,
        request=PatternRequest,
        result=Words,
        steps=(WRITE, JUDGE),
        example=PatternRequest(),
        **more,
    )


async def an_id_of_its_own(run: Run, request: PatternRequest) -> Words:
    first = await run.step(WRITE, Asked(text="a"), into="/words/0")
    second = await run.step(JUDGE, Asked(text=str(uuid4())), into="/words/1")
    return Words(words=(first, second))


async def the_clock(run: Run, request: PatternRequest) -> Words:
    return Words(words=(await run.step(WRITE, Asked(text="a", at=time.time()), into="/words/0"),))


async def a_draw(run: Run, request: PatternRequest) -> Words:
    """The draw is in no input, and decides the result."""
    said = await run.step(WRITE, Asked(text="a"), into="/words/0")
    return Words(words=(said, f"number {random.random()}"))


async def a_draw_of_steps(run: Run, request: PatternRequest) -> Words:
    """How many are asked for is drawn; so that a test of it can fail every time, from what differs each time."""
    count = next(_COUNTS)
    said = [await run.step(WRITE, Asked(text=str(one))) for one in range(count)]
    return Words(words=tuple(said[:1]))


_COUNTS = iter(range(1, 100))


async def no_key(run: Run, request: PatternRequest) -> Words:
    """The second step of a branch is numbered in the order in which the first ones end."""

    async def branch(text: str) -> str:
        written = await run.step(WRITE, Asked(text=text), key=f"write-{text}")
        return await run.step(JUDGE, Asked(text=written))

    return Words(words=tuple(await asyncio.gather(branch("a"), branch("b"))))


async def whoever_is_first(run: Run, request: PatternRequest) -> Words:
    """Keys are right, and the order decides the result."""
    said: list[str] = []

    async def branch(text: str) -> None:
        said.append(await run.step(WRITE, Asked(text=text), key=f"write-{text}"))

    await asyncio.gather(branch("a"), branch("b"), branch("c"))
    return Words(words=tuple(said))


async def another_result(run: Run, request: PatternRequest) -> Words:
    said = await run.step(WRITE, Asked(text="a"), into="/words/0")
    return Words(words=(said.upper(),))


async def waits_for_ever(run: Run, request: PatternRequest) -> Words:
    await run.step(WRITE, Asked(text="a"))
    await asyncio.Event().wait()
    return Words(words=())
