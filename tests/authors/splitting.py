"""A pattern with executors, a service and a resource of its own. One of its steps is called as one of another."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from pydantic import Field

from penstock import Depends, Pattern, PatternRequest, Run, Step, StepContext, Transient, Wire


class SplitRequest(PatternRequest):
    text: str = Field(description="What is split.")


class SplitResult(Wire):
    words: tuple[str, ...]
    draft: str
    shouted: str


class Given(Wire):
    text: str


class Words(Wire):
    words: tuple[str, ...]


class Splitter:
    """As a database's pool: opened and closed once a process."""

    def __init__(self) -> None:
        self.calls, self.closed = 0, False

    def split(self, text: str) -> tuple[str, ...]:
        assert not self.closed
        self.calls += 1
        return tuple(text.split())


#: Those that were opened.
SPLITTERS: list[Splitter] = []


async def separator() -> str:
    await asyncio.sleep(0)
    return " "


async def opened(between: Annotated[str, Depends(separator)]) -> AsyncIterator[Splitter]:
    assert between == " "
    splitter = Splitter()
    SPLITTERS.append(splitter)
    yield splitter
    splitter.closed = True


async def split(given: Given, splitter: Annotated[Splitter, Depends(opened)]) -> Words:
    return Words(words=splitter.split(given.text))


async def shout(given: Given, context: StepContext, splitter: Splitter = Depends(opened)) -> str:  # type: ignore[assignment]  # noqa: B008
    if given.text == "flaky" and context.attempt == 1:
        context.emit("HALF")
        raise Transient("tool_unavailable", "it is hoarse")
    if given.text == "held" and context.attempt == 1:
        context.emit("HEL")
        await asyncio.Event().wait()
    if given.text == "untrue":
        context.emit("one thing")
        return "another"
    if given.text == "asking":
        context.render(given)
    words = [word.upper() for word in splitter.split(given.text)]
    for number, word in enumerate(words):
        context.emit(f"{' ' * bool(number)}{word}")
    return " ".join(words)


SPLIT = Step(name="split", input=Given, output=Words, service="splitter", do=split)
SHOUT = Step(name="shout", input=Given, output=str, service="splitter", do=shout)
DRAFT = Step(name="draft", input=Given, output=str)


async def splitting(run: Run, request: SplitRequest) -> SplitResult:
    given = Given(text=request.text)
    words, draft, shouted = await asyncio.gather(
        run.step(SPLIT, given, into=""),
        run.step(DRAFT, given, into="/draft"),
        run.step(SHOUT, given, into="/shouted"),
    )
    return SplitResult(words=words.words, draft=draft, shouted=shouted)


PATTERN = Pattern(
    name="splitting",
    summary="Split a text into words, and say it again.",
    run=splitting,
    request=SplitRequest,
    result=SplitResult,
    steps=(SPLIT, DRAFT, SHOUT),
    example=SplitRequest(text="a few words"),
)
