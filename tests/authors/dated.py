"""A pattern with what differs from process to process, and in no replay of a test."""

import time
import uuid
from datetime import datetime
from random import choice

from penstock import Pattern, PatternRequest, Run, Step, Wire


class Text(Wire):
    text: str


async def write(given: Text) -> str:
    """Not the pattern: it may do as it likes."""
    return f"{choice('ab')} {datetime.now()} {[*{given.text}]}"


WRITE = Step(name="say", input=Text, output=str, do=write)


async def dated(run: Run, request: PatternRequest) -> Text:
    words = {"one", "two"}
    for word in {*words, "three"}:
        await run.step(WRITE, Text(text=word))
    ordered = sorted({"a", "b"}), len(set(words)), "a" in {"a", "b"}
    listed = [*words], list(set(words)), ", ".join({word[:1] for word in words})
    return Text(text=f"{datetime.now():%Y} {time.time():.0f} {uuid.uuid4()} {choice('ab')} {ordered} {listed}")


PATTERN = Pattern(
    name="dated",
    summary="",
    run=dated,
    request=PatternRequest,
    result=Text,
    steps=(WRITE,),
    example=PatternRequest(),
)
