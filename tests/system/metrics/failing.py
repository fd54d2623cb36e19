"""A pattern whose code is wrong."""

from penstock import Pattern, PatternRequest, Run


async def failing(run: Run, request: PatternRequest) -> PatternRequest:
    raise LookupError("nothing was found")


PATTERN = Pattern(
    name="failing",
    summary="Raises what it should not.",
    run=failing,
    request=PatternRequest,
    result=PatternRequest,
    steps=(),
    example=PatternRequest(),
)
