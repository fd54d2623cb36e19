"""A pattern of the benchmark's own: as many equal steps as are asked for, of an input as large as is given.

text ──▶ WRITE, `tasks` times ──▶ texts
"""

from pydantic import Field

from penstock import Pattern, PatternRequest, Run, Step, Wire


class FanRequest(PatternRequest):
    text: str
    tasks: int = Field(default=1, ge=1)


class WriteInput(Wire):
    text: str
    number: int


class FanResult(Wire):
    texts: tuple[str, ...]


WRITE = Step(name="write", input=WriteInput, output=str)


async def fan(run: Run, request: FanRequest) -> FanResult:
    inputs = [WriteInput(text=request.text, number=number) for number in range(request.tasks)]
    return FanResult(texts=await run.map(WRITE, inputs, into="/texts"))


PATTERN = Pattern(
    name="fan",
    summary="Write about one thing as often as is asked.",
    run=fan,
    request=FanRequest,
    result=FanResult,
    steps=(WRITE,),
    example=FanRequest(text="A lantern", tasks=3),
)


def job(text: str, tasks: int = 1) -> tuple[str, bytes]:
    """The path and the body of one."""
    return PATTERN.name, FanRequest(text=text, tasks=tasks).model_dump_json(by_alias=True).encode()
