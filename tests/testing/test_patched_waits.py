"""A pattern under test that asks for a patch behind a wait."""

from penstock import Pattern, PatternRequest, Run, Wire
from penstock.testing import PatternTest


class Word(Wire):
    word: str


class Told(Wire):
    patched: bool


async def telling(run: Run, request: PatternRequest) -> Told:
    await run.wait("word", Word)
    await run.sleep(60)
    return Told(patched=await run.patched("change"))


PATTERN = Pattern(
    name="telling",
    summary="Tell whether it is patched.",
    run=telling,
    request=PatternRequest,
    result=Told,
    steps=(),
    signals={"word": Word},
    example=PatternRequest(),
)


async def test_a_wait_that_is_over_was_asked_for() -> None:
    tested = PatternTest(PATTERN, signals={"word": Word(word="tide")})
    assert (await tested.run(PatternRequest())).result == Told(patched=True)
