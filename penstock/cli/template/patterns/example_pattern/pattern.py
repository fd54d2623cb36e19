"""example-pattern: notes become an announcement.

notes ──▶ SORT (a function) ──▶ WRITE (a prompt) ──▶ announcement
"""

from pydantic import Field

from penstock import Pattern, PatternRequest, Run, Step, Wire


class ExamplePatternRequest(PatternRequest):
    notes: str = Field(min_length=1, max_length=10_000, description="What is to be announced, a sentence for each.")


class ExamplePatternResult(Wire):
    points: tuple[str, ...]
    title: str
    text: str


class Notes(Wire):
    notes: str


class Points(Wire):
    points: tuple[str, ...]


class Announcement(Wire):
    title: str
    text: str


async def sorted_by_length(given: Notes) -> Points:
    """What a step does in code: it may read files, call services, take its time."""
    sentences = {sentence.strip() for sentence in given.notes.split(".")} - {""}
    return Points(points=tuple(sorted(sorted(sentences), key=len)))


SORT = Step(name="sort", input=Notes, output=Points, do=sorted_by_length)
WRITE = Step(name="write", input=Points, output=Announcement)


async def example_pattern(run: Run, request: ExamplePatternRequest) -> ExamplePatternResult:
    """It may be run again from the top at any time: what is not a function of its request belongs into a step."""
    sorted_notes = await run.step(SORT, Notes(notes=request.notes), into="")
    written = await run.step(WRITE, sorted_notes, into="")
    return ExamplePatternResult(points=sorted_notes.points, title=written.title, text=written.text)


PATTERN = Pattern(
    name="example-pattern",
    summary="Make an announcement of notes.",
    run=example_pattern,
    request=ExamplePatternRequest,
    result=ExamplePatternResult,
    steps=(SORT, WRITE),
    example=ExamplePatternRequest(notes="Version 2 ships on Monday. It is faster by a third. Thanks to Ada."),
)
