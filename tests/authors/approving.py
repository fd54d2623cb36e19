"""A pattern that waits for a person: its draft is shown, and what they say decides how it goes on."""

from pydantic import BaseModel

from penstock import Pattern, PatternRequest, Run, Step, Wire

ROUNDS = 3


class ApprovingRequest(PatternRequest):
    topic: str


class Topic(Wire):
    topic: str
    wish: str = ""


class Decision(Wire):
    approved: bool
    wish: str = ""


class Weight(BaseModel):
    """Not as strict as what is made of Wire."""

    weight: float


class ApprovingResult(Wire):
    drafts: tuple[str, ...]
    approved: bool


async def pen(given: Topic) -> str:
    return f"{given.topic}{given.wish}"


PEN = Step(name="pen", input=Topic, output=str, do=pen)


async def approving(run: Run, request: ApprovingRequest) -> ApprovingResult:
    drafts: list[str] = []
    decision = Decision(approved=False)
    while not decision.approved and len(drafts) < ROUNDS:
        given = Topic(topic=request.topic, wish=decision.wish)
        drafts.append(await run.step(PEN, given, into=f"/drafts/{len(drafts)}"))
        decision = await run.wait(f"approval-{len(drafts)}", Decision)
    return ApprovingResult(drafts=tuple(drafts), approved=decision.approved)


PATTERN = Pattern(
    name="approving",
    summary="Draft until somebody approves of it.",
    run=approving,
    request=ApprovingRequest,
    result=ApprovingResult,
    steps=(PEN,),
    signals={"approval-*": Decision, "weight": Weight},
    example=ApprovingRequest(topic="a lantern"),
)


class BothRequest(PatternRequest):
    topics: tuple[str, ...]


class BothResult(Wire):
    approved: tuple[bool, ...]


async def both(run: Run, request: BothRequest) -> BothResult:
    parts = [run.sub(PATTERN, ApprovingRequest(topic=topic)) for topic in request.topics]
    return BothResult(approved=tuple([(await part).approved for part in parts]))


BOTH = Pattern(
    name="both",
    summary="Have several drafts approved at once.",
    run=both,
    request=BothRequest,
    result=BothResult,
    steps=(),
    subs=(PATTERN,),
    example=BothRequest(topics=("a lantern", "a stove")),
)


class Grade(Wire):
    grade: int


class GradedResult(Wire):
    grades: tuple[int, ...]


async def grading(run: Run, request: BothRequest) -> GradedResult:
    return GradedResult(grades=((await run.wait("approval-1", Grade)).grade,))


#: Its signal has the name of another pattern's, and so has its own name's beginning.
GRADING = Pattern(
    name="approving-2",
    summary="Have something graded.",
    run=grading,
    request=BothRequest,
    result=GradedResult,
    steps=(),
    signals={"approval-1": Grade},
    example=BothRequest(topics=()),
)


async def graded(run: Run, request: BothRequest) -> GradedResult:
    parts = [run.sub(GRADING, BothRequest(topics=()), key=key) for key in (None, "second")]
    return GradedResult(grades=tuple([(await part).grades[0] for part in parts]))


GRADED = Pattern(
    name="graded",
    summary="Have two things graded.",
    run=graded,
    request=BothRequest,
    result=GradedResult,
    steps=(),
    subs=(PATTERN, GRADING),
    example=BothRequest(topics=()),
)
