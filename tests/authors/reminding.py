"""A pattern that lets time pass: it asks, reminds, asks again, and gives up."""

import asyncio

from pydantic import Field

from penstock import Pattern, PatternRequest, Run, Step, WaitTimedOut, Wire


class RemindingRequest(PatternRequest):
    sleeps: tuple[float, ...] = Field((), description="Seconds, all at once.")
    timeouts: tuple[float | None, ...] = Field((), description="Of the waits for an answer, one after the other.")
    notes: int = Field(0, description="Steps beside the waits.")
    dropped: bool = Field(False, description="Whether a step is cancelled before the waits for an answer.")


class Answer(Wire):
    text: str


class Note(Wire):
    about: str


class RemindingResult(Wire):
    answer: str | None
    reminders: int


#: What the steps of this process were about.
NOTED: list[str] = []


async def note(given: Note) -> str:
    NOTED.append(given.about)
    return given.about


NOTE = Step(name="note", input=Note, output=str, do=note)


async def reminding(run: Run, request: RemindingRequest) -> RemindingResult:
    sleeping = [run.sleep(seconds) for seconds in request.sleeps]
    notes = [run.step(NOTE, Note(about=f"{run.job} {number}")) for number in range(request.notes)]
    await asyncio.gather(*sleeping, *notes)
    if request.dropped:
        dropped = asyncio.ensure_future(run.step(NOTE, Note(about=f"{run.job} is dropped")))
        await run.now()
        dropped.cancel()
    answer, reminders = None, 0
    for timeout in request.timeouts:
        try:
            answer = (await run.wait("answer", Answer, timeout=timeout)).text
            break
        except WaitTimedOut:
            reminders += 1
            await run.step(NOTE, Note(about=f"{run.job} is reminded"))
    return RemindingResult(answer=answer, reminders=reminders)


PATTERN = Pattern(
    name="reminding",
    summary="Ask, and remind.",
    run=reminding,
    request=RemindingRequest,
    result=RemindingResult,
    steps=(NOTE,),
    signals={"answer": Answer},
    example=RemindingRequest(timeouts=(60.0,)),
)
