"""One text, asked for by a prompt alone, by code with a prompt, by code without; and with a prompt that changes."""

from dataclasses import replace
from typing import Any

from penstock import Pattern, PatternRequest, Run, Step, StepContext, Wire
from penstock.contracts.prompt import Prompt


class Word(Wire):
    word: str


class Texts(Wire):
    texts: tuple[str, ...]


async def by_code(given: Word, context: StepContext) -> str:
    return await context.model.text(context.render(given))


async def alone(given: Word, context: StepContext) -> str:
    return await context.model.text(Prompt.user(f"Write about {given.word}."))


def in_short(_: Word, prompt: Prompt) -> Prompt:
    return replace(prompt, system=f"{prompt.system} In one line.")


def broken(given: Word, prompt: Prompt) -> Prompt:
    raise LookupError(f"no prompt for a {given.word}")


async def with_prompted(given: Word, context: StepContext) -> str:
    return await context.model.text(in_short(given, context.render(given)))


PLAIN = Step(name="plain", input=Word, output=str, prompt="word")
#: What decides its reply is another one.
CHANGED = replace(PLAIN, thinking="high")
BY_CODE = Step(name="by-code", input=Word, output=str, prompt="word", do=by_code, uses_model=True)
ALONE = Step(name="alone", input=Word, output=str, do=alone, uses_model=True)
PROMPTED = Step(
    name="prompted", input=Word, output=str, prompt="word", do=with_prompted, prompted=in_short, uses_model=True
)


def _pattern(plain: Step[Word, str], prompted: Step[Word, str] = PROMPTED) -> Pattern[Any, Any]:
    steps = plain, BY_CODE, ALONE, prompted

    async def prompting(run: Run, _: PatternRequest) -> Texts:
        return Texts(texts=tuple([await run.step(step, Word(word="lantern")) for step in steps]))

    return Pattern(
        name="prompting",
        summary="Ask in several ways.",
        run=prompting,
        request=PatternRequest,
        result=Texts,
        steps=steps,
        example=PatternRequest(),
    )


PATTERN = _pattern(PLAIN)
LATER = _pattern(CHANGED)
BROKEN = _pattern(PLAIN, replace(PROMPTED, prompted=broken))
