"""One step for each of many words, in a map or in two."""

import asyncio

from pydantic import Field

from penstock import Failure, Pattern, PatternRequest, Run, Step, StepContext, StepFailed, Wire


class Word(Wire):
    word: str


class Shouted(Wire):
    word: str = Field(description="In capitals.")


async def shout(given: Word, context: StepContext) -> Shouted:
    if given.word == "bad":
        raise Failure("output_invalid", "that cannot be shouted")
    if given.word.startswith("endless"):
        await asyncio.Event().wait()
    return Shouted(word=given.word.upper())


SHOUT = Step(name="shout", input=Word, output=Shouted, do=shout)
WRITE = Step(name="write", input=Word, output=str, prompt="word")


class MapRequest(PatternRequest):
    words: tuple[str, ...]
    collect: bool = False


class Mapped(Wire):
    shouted: tuple[Shouted | None, ...]
    texts: tuple[str, ...]
    failed: int


async def mapping(run: Run, request: MapRequest) -> Mapped:
    words = [Word(word=word) for word in request.words]
    if not request.collect:
        shouted, texts = await asyncio.gather(
            run.map(SHOUT, words, into="/shouted"), run.map(WRITE, words, into="/texts", key="text")
        )
        return Mapped(shouted=shouted, texts=texts, failed=0)
    tried = await run.map(SHOUT, words, into="/shouted", on_error="collect")
    good = tuple(None if isinstance(one, StepFailed) else one for one in tried)
    texts = await run.map(WRITE, [word for word, one in zip(words, good, strict=True) if one], into="/texts")
    return Mapped(shouted=good, texts=texts, failed=good.count(None))


PATTERN = Pattern(
    name="mapping",
    summary="Shout words, and write about them.",
    run=mapping,
    request=MapRequest,
    result=Mapped,
    steps=(SHOUT, WRITE),
    example=MapRequest(words=("tide", "dune")),
)
