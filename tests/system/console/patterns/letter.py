"""A letter is sent when somebody approves of it.

subject ──▶ WRITE ──▶ approved? ──yes──▶ the letter
                           └──no──▶ none
"""

from penstock import Pattern, PatternRequest, Run, Step, Wire


class LetterRequest(PatternRequest):
    subject: str


class Approval(Wire):
    approved: bool
    remark: str


class Letter(Wire):
    text: str
    approval: Approval


class Draft(Wire):
    text: str


async def write(given: Draft) -> Draft:
    return Draft(text=f"Dear reader, this is about {given.text}.")


WRITE = Step(name="write", input=Draft, output=Draft, do=write)


async def letter(run: Run, request: LetterRequest) -> Letter:
    draft = await run.step(WRITE, Draft(text=request.subject), into="")
    approval = await run.wait("approval", Approval, timeout=3600)
    run.put("/approval", approval)
    return Letter(text=draft.text, approval=approval)


PATTERN = Pattern(
    name="letter",
    summary="Write a letter, and have it approved.",
    run=letter,
    request=LetterRequest,
    result=Letter,
    steps=(WRITE,),
    signals={"approval": Approval},
    example=LetterRequest(subject="lanterns"),
)
