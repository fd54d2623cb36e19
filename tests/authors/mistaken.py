"""What authors do wrong, each in a line of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from penstock import Pattern, PatternRequest, Run, Step, StepContext, Wire
from tests.authors.atlas import CHAPTER, PAIR, WRITE, Subject


class How(PatternRequest):
    how: str


class Said(Wire):
    text: str


async def broken(given: Subject, context: StepContext) -> Said:
    return Said(text=None)


OTHER = Step(name="other", input=Subject, output=str, prompt="write")
BROKEN = Step(name="broken", input=Subject, output=Said, do=broken)
TIDES = Subject(subject="tides")


async def waiting(run: Run, request: How) -> Said:
    return await run.wait("go", Said)


WAITING = Pattern(
    name="waiting",
    summary="",
    run=waiting,
    request=How,
    result=Said,
    steps=(),
    signals={"go": Said},
    example=How(how="it waits"),
)
#: A key that leaves no room for a signal's name.
LONG = "k" * 62


async def an_unknown_step(run: Run) -> str:
    return await run.step(OTHER, TIDES)


async def an_unknown_sub(run: Run) -> str:
    return (await run.sub(PAIR, {"first": "tides", "second": "dunes"})).first


async def a_wrong_request(run: Run) -> str:
    return (await run.sub(CHAPTER, {"subjects": "tides"})).text


async def no_pointer(run: Run) -> str:
    return await run.step(WRITE, TIDES, into="text")


async def no_pointer_of_a_sub(run: Run) -> str:
    return (await run.sub(CHAPTER, {"subject": "tides"}, into="/text/")).text


async def a_place_twice(run: Run) -> str:
    run.put("/text", "a text")
    return await run.step(WRITE, TIDES, into="/text")


async def a_place_of_a_sub_twice(run: Run) -> str:
    run.put("/text/text", "a text")
    return (await run.sub(CHAPTER, {"subject": "tides"}, into="/text")).text


async def a_key_twice(run: Run) -> str:
    return "".join([await run.step(WRITE, TIDES, key="text") for _ in range(2)])


async def a_wrong_key(run: Run) -> str:
    return await run.step(WRITE, TIDES, key="chapter-1__write-1")


async def a_forgotten_await(run: Run) -> str:
    run.step(WRITE, TIDES)
    return "done"


async def a_forgotten_sub(run: Run) -> str:
    run.sub(CHAPTER, {"subject": "tides"})
    return "done"


async def another_result(run: Run) -> str:
    return "not " + await run.step(WRITE, TIDES, into="/text")


async def a_signal_too_long_to_give(run: Run) -> str:
    await run.sub(WAITING, How(how="it waits"), key=LONG)
    return "done"


async def an_ordinary_bug(run: Run) -> str:
    async with asyncio.TaskGroup() as group:
        group.create_task(_added(None))
    return "done"


async def a_broken_executor(run: Run) -> str:
    return (await run.step(BROKEN, TIDES)).text


async def _added(text: Any) -> Any:
    return "a" + text


#: What is said of each, but for the place.
SAID: dict[Callable[[Run], Awaitable[str]], str] = {
    a_signal_too_long_to_give: f"the signal 'go' would be given as {LONG}__go, of more than 64 characters: give ",
    an_unknown_step: "mistaken does not name the step 'other' in its steps: add it there, so that it is executed",
    an_unknown_sub: "mistaken does not name 'pair' in its subs: add it there, so that its steps are executed",
    a_wrong_request: "the request does not fit chapter: /subject: Field required",
    no_pointer: "not a JSON pointer: 'text' (it is empty or starts with '/', and '~' is followed by 0 or 1)",
    no_pointer_of_a_sub: "no / ends the place of a map or a sub-pattern: write '/text'",
    a_place_twice: "'/text' is written twice: write elsewhere, or retract it before",
    a_place_of_a_sub_twice: "'/text/text' is written twice: write elsewhere, or retract it before",
    a_key_twice: "the key 'text' is in use: give another, with key=",
    a_wrong_key: "the key 'chapter-1__write-1' is not 1 to 64 of A-Z a-z 0-9 - and single _",
    a_forgotten_await: "mistaken returned while write-1 was still at work: await it, or cancel it",
    a_forgotten_sub: "mistaken returned while chapter-1 was still at work: await it, or cancel it",
    another_result: "mistaken returned another result than it streamed: at '/text' it streamed ",
    an_ordinary_bug: 'TypeError: can only concatenate str (not "NoneType") to str',
    a_broken_executor: "ValidationError: 1 validation error for Said",
}
WAYS = {way.__name__: way for way in SAID}


async def mistaken(run: Run, request: How) -> Said:
    return Said(text=await WAYS[request.how](run))


PATTERN = Pattern(
    name="mistaken",
    summary="",
    run=mistaken,
    request=How,
    result=Said,
    steps=(WRITE, BROKEN),
    subs=(CHAPTER, WAITING),
    example=How(how="an_ordinary_bug"),
)
