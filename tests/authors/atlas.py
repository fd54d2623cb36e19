"""Patterns of patterns: a book is parts, a part is chapters, and a chapter is a step."""

import asyncio
from datetime import datetime

from pydantic import Field

from penstock import Failure, Pattern, PatternFailure, PatternRequest, Run, Step, StepFailed, Wire


class Subject(Wire):
    subject: str


WRITE = Step(name="write", input=Subject, output=str)


class ChapterRequest(PatternRequest):
    subject: str = Field(min_length=1)
    again: int = 0


class Chapter(Wire):
    title: str
    text: str
    then: "Chapter | None" = None


async def chapter(run: Run, request: ChapterRequest) -> Chapter:
    """One text; with `again` another chapter in it, by the pattern itself."""
    run.put("/title", request.subject)
    text = await run.step(WRITE, Subject(subject=request.subject), into="/text")
    if not request.again:
        return Chapter(title=request.subject, text=text)
    asked = ChapterRequest(subject=f"more of {request.subject}", again=request.again - 1)
    return Chapter(title=request.subject, text=text, then=await run.sub(CHAPTER, asked, into="/then"))


CHAPTER = Pattern(
    name="chapter",
    summary="Write about a subject.",
    run=chapter,
    request=ChapterRequest,
    result=Chapter,
    steps=(WRITE,),
    example=ChapterRequest(subject="tides"),
)


class PartRequest(PatternRequest):
    subjects: tuple[str, ...]


class Part(Wire):
    chapters: tuple[Chapter, ...]
    texts: tuple[str, ...]
    at: datetime
    id: str


async def part(run: Run, request: PartRequest) -> Part:
    """Chapters at the same time, then what else there is to say about each, in a map."""
    at, id = await run.now(), str(run.uuid())
    run.put("/at", at.isoformat())
    run.put("/id", id)
    chapters = await asyncio.gather(
        *(
            run.sub(CHAPTER, {"subject": subject}, into=f"/chapters/{index}")
            for index, subject in enumerate(request.subjects)
        )
    )
    run.close("/chapters")
    more = [Subject(subject=f"beside {subject}") for subject in request.subjects]
    return Part(chapters=tuple(chapters), texts=await run.map(WRITE, more, into="/texts"), at=at, id=id)


PART = Pattern(
    name="part",
    summary="Write chapters.",
    run=part,
    request=PartRequest,
    result=Part,
    steps=(WRITE,),
    subs=(CHAPTER,),
    example=PartRequest(subjects=("tides",)),
)


class AtlasRequest(PatternRequest):
    sea: tuple[str, ...]
    land: tuple[str, ...]


class Atlas(Wire):
    sea: Part
    land: Part
    title: str


async def atlas(run: Run, request: AtlasRequest) -> Atlas:
    sea, land = await asyncio.gather(
        run.sub(PART, PartRequest(subjects=request.sea), into="/sea", key="sea"),
        run.sub(PART, PartRequest(subjects=request.land), into="/land", key="land"),
    )
    title = await run.step(TITLE, Subject(subject="an atlas"), into="/title")
    return Atlas(sea=sea, land=land, title=title)


TITLE = Step(name="title", input=Subject, output=str, prompt="write")
ATLAS = Pattern(
    name="atlas",
    summary="Write about sea and land at once.",
    run=atlas,
    request=AtlasRequest,
    result=Atlas,
    steps=(TITLE,),
    subs=(PART,),
    example=AtlasRequest(sea=("tides",), land=("dunes",)),
)


class Pair(Wire):
    first: str
    second: str


class PairRequest(PatternRequest):
    first: str
    second: str
    refuse: bool = False


async def pair(run: Run, request: PairRequest) -> Pair:
    """Two texts at once; one that fails fails both."""
    if request.refuse:
        run.put("/first", "nothing")
        raise PatternFailure("budget_exhausted", "there is no pair for that")
    first, second = await asyncio.gather(
        run.step(WRITE, Subject(subject=request.first), into="/first"),
        run.step(WRITE, Subject(subject=request.second), into="/second"),
    )
    return Pair(first=first, second=second)


PAIR = Pattern(
    name="pair",
    summary="Two texts.",
    run=pair,
    request=PairRequest,
    result=Pair,
    steps=(WRITE,),
    example=PairRequest(first="tides", second="dunes"),
)


class ForgivingRequest(PairRequest):
    hidden: bool = False


class Forgiven(Wire):
    pair: Pair | str
    why: str


async def forgiving(run: Run, request: ForgivingRequest) -> Forgiven:
    """A pair, or, where there is none, one text in its place."""
    asked = PairRequest(first=request.first, second=request.second, refuse=request.refuse)
    try:
        return Forgiven(pair=await run.sub(PAIR, asked, into=None if request.hidden else "/pair"), why="")
    except (PatternFailure, StepFailed) as failure:
        why: Failure = failure
    run.retract("/pair")
    instead = await run.step(WRITE, Subject(subject="one text instead"), into="/pair")
    return Forgiven(pair=instead, why=why.code)


FORGIVING = Pattern(
    name="forgiving",
    summary="A pair, or one text.",
    run=forgiving,
    request=ForgivingRequest,
    result=Forgiven,
    steps=(WRITE,),
    subs=(PAIR,),
    example=ForgivingRequest(first="tides", second="dunes"),
)


class Noted(Chapter):
    note: str


async def noted(run: Run, request: ChapterRequest) -> Noted:
    """A chapter, and beside its members one more."""
    told = await run.sub(CHAPTER, request, into="")
    note = await run.step(WRITE, Subject(subject="a note"), into="/note")
    return Noted(**dict(told), note=note)


NOTED = Pattern(
    name="noted",
    summary="A chapter with a note.",
    run=noted,
    request=ChapterRequest,
    result=Noted,
    steps=(WRITE,),
    subs=(CHAPTER,),
    example=ChapterRequest(subject="tides"),
)


class Shelf(Wire):
    noted: Noted
    last: str


async def shelf(run: Run, request: ChapterRequest) -> Shelf:
    on_it = await run.sub(NOTED, request, into="/noted")
    return Shelf(noted=on_it, last=await run.step(WRITE, Subject(subject="the last"), into="/last"))


SHELF = Pattern(
    name="shelf",
    summary="What was noted.",
    run=shelf,
    request=ChapterRequest,
    result=Shelf,
    steps=(WRITE,),
    subs=(NOTED,),
    example=ChapterRequest(subject="tides"),
)
